# Thin names for build.sh
all:
	./build.sh
test demo rpm test-system clean:
	./build.sh $@
bench:
	./build.sh bench control
	./build.sh bench start
	./build.sh bench udp
	./build.sh bench udp --links 100mbit,1gbit
install:
	DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" ./build.sh install
.PHONY: all test demo rpm test-system clean bench install
