#!/usr/bin/env bash
# rpm/build.sh: makes build/rpm/flannel-VERSION-1.ARCH.rpm of build/flanneld.jar and etc/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2> /dev/null || echo 1500000000)
export SOURCE_DATE_EPOCH
rm -rf build/rpm build/rpm.work
mkdir -p build/rpm build/rpm.work
# _dbpath: none of the machine's packages are looked at, and none of its databases is made anew.
if ! rpmbuild -bb --quiet --define "tree $PWD" --define "_topdir $PWD/build/rpm.work" --define "_dbpath $PWD/build/rpm.work/db" \
        --define "_rpmdir $PWD/build/rpm" --define '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' \
        rpm/flannel.spec > build/rpm.work/log 2>&1; then
    cat build/rpm.work/log >&2
    exit 1
fi
rm -rf build/rpm.work

for package in build/rpm/*.rpm; do
    printf '%s: %s bytes, %s installed\n' "$package" "$(stat -c %s "$package")" "$(rpm -qp --nosignature --qf '%{LONGSIZE}' "$package" 2> /dev/null)"
done
