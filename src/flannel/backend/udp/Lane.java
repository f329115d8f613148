package flannel.backend.udp;

import flannel.linux.UdpSocket;

/**
 * One of the ways through the tunnel, for a set of threads of its own: a queue of the TUN device and a socket. A flow's packets all take
 * the same one out, and a host's all the same one in, so that they stay in their order.
 *
 * @param readFd  where packets of the queue are read
 * @param writeFd where packets are written to the device
 */
record Lane(int readFd, int writeFd, UdpSocket socket) {
}
