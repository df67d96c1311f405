#!/bin/sh
# Make a Debian directory tree into our box. minidocker/vm/build.py lets mmdebstrap call it, as
# (the fake or real) root, with the tree as its argument; what it needs comes by the environment:
#
#   GUEST    this directory              COURSE   a tar archive of the repository
#   WHEELS   a directory of wheels       KEY      a public key that opens the machine
#   DISK     the file to make            BOOT     a directory for the kernel and the initrd
#   VENV     the Python packages, laid out already; or a name that is not there
set -eu
root=$1

step() { echo "I: $*"; } # build.py shows lines that begin so

step "the course"
mkdir "$root/minidocker" "$root/wheels"
tar -C "$root/minidocker" --no-same-owner -xf "$COURSE"
cp "$WHEELS"/*.whl "$root/wheels/"
(cd "$GUEST/box" && find . -type f) | while read -r file; do
    install -D -m 644 "$GUEST/box/$file" "$root/$file"
done

step "Python packages and settings"
if [ -d "${VENV:-}" ]; then cp -a "$VENV" "$root/opt/minidocker"; fi
# mmdebstrap's policy-rc.d keeps services from starting here.
env -i LC_ALL=C.UTF-8 PATH="$PATH" chroot "$root" sh /minidocker/guest/provision.sh --wheels /wheels
rm -rf "$root/wheels"

step "users, keys, services"
chroot "$root" sh -eu <<'CHROOT'
useradd --create-home --shell /bin/bash vagrant
echo 'vagrant ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/vagrant # Vagrant's own convention
chmod 440 /etc/sudoers.d/vagrant
chown -R learner:learner /minidocker
systemctl enable --quiet systemd-networkd.service ssh.service
systemctl disable --quiet systemd-networkd-wait-online.service
systemctl mask --quiet apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
    e2scrub_reap.service fstrim.timer systemd-tmpfiles-clean.timer systemd-pcrphase.service \
    getty@tty1.service serial-getty@ttyS0.service serial-getty@ttyAMA0.service systemd-timesyncd.service \
    systemd-remount-fs.service systemd-binfmt.service systemd-pstore.service systemd-update-utmp.service
# The kernel mounts the root already, and there is nothing else to mount.
rm -f /etc/fstab
rm -f /etc/machine-id; touch /etc/machine-id # each machine makes its own
ssh-keygen -A -q
update-initramfs -u 2>&1 | grep -v '^update-initramfs: Generating' || true
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/*.log /var/log/apt
CHROOT
for user in root vagrant learner; do
    home=$(chroot "$root" getent passwd $user | cut -d: -f6)
    group=$(chroot "$root" id -g $user)
    mkdir -p -m 700 "$root$home/.ssh"
    cp "$KEY" "$root$home/.ssh/authorized_keys"
    chroot "$root" chown -R "$user:$group" "$home/.ssh"
done

step "kernel and initrd"
cat "$root"/boot/vmlinuz-* > "$BOOT/vmlinuz"
cat "$root"/boot/initrd.img-* > "$BOOT/initrd.img"
ls "$root/lib/modules" > "$BOOT/kernel"

step "disk"
# A bind mount shows the tree alone, without /proc and the like that are mounted in it.
mkdir "$root.bare"
mount --bind "$root" "$root.bare"
truncate -s "${SIZE:-8G}" "$DISK"
mkfs.ext4 -q -F -L minidocker -m 0 -J size=16 -E lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0 \
    -d "$root.bare" "$DISK"
umount "$root.bare"
rmdir "$root.bare"
