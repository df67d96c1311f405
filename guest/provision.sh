#!/bin/sh
# Turn a Debian into minidocker's lab machine. Run as root, inside it; a second run changes nothing.
#
#   provision.sh [--wheels DIRECTORY]
#
# The course is in /minidocker. Its Python packages come from DIRECTORY when it is given (then
# nothing is asked of the network), otherwise from where pip is configured to look.
set -eu
export PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin

COURSE=/minidocker
VENV=/opt/minidocker
wheels=
[ "${1:-}" = --wheels ] && wheels=$2
# In a chroot, where the box is built, there is no systemd to talk to.
booted=; [ -d /run/systemd/system ] && booted=yes

say() { echo "provision: $*"; }

debian_packages() {
    list=$(sed -e 's/#.*//' -e '/{arch}/d' "$COURSE/guest/packages.txt")
    missing=$(
        have=$(mktemp)
        dpkg-query -W -f='${Package} ${db:Status-Status}\n' $list 2>/dev/null |
            sed -n 's/ installed$//p' | sort > "$have"
        printf '%s\n' $list | sort | comm -23 - "$have"
        rm "$have"
    )
    [ -z "$missing" ] && return
    say "installing" $missing
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq -o DPkg::Lock::Timeout=600 update
    apt-get -qq -o DPkg::Lock::Timeout=600 install -y --no-install-recommends $missing
}

learner() {
    # On a live share a file keeps the host's owner, so the learner gets the same number.
    owner=$(stat -c %u "$COURSE/exercises" 2>/dev/null || echo 0)
    id learner >/dev/null 2>&1 ||
        useradd --create-home --shell /bin/bash --comment "minidocker's learner" learner
    [ "$owner" = 0 ] || getent passwd "$owner" >/dev/null || usermod --uid "$owner" learner
    # A box's vagrant user may have that number already: then it shares it.
    [ "$owner" = 0 ] || [ "$(id -u learner)" = "$owner" ] || usermod --non-unique --uid "$owner" learner
}

requirements() {
    python3 - "$COURSE/pyproject.toml" <<'PYTHON'
import sys, tomllib
with open(sys.argv[1], "rb") as file:
    project = tomllib.load(file)["project"]
extras = project["optional-dependencies"]
wanted = project["dependencies"] + extras["learn"] + extras["test"]
left_out = project["name"], "playwright"  # no browser runs in here
print(*sorted(line for line in wanted if not line.startswith(left_out)), sep="\n")
PYTHON
}

python_packages() {
    requirements > "$VENV.wanted"
    if cmp -s "$VENV.wanted" "$VENV/wanted"; then rm "$VENV.wanted"; return; fi
    say "Python packages (minutes, where they come from the network)"
    [ -x "$VENV/bin/pip" ] || python3 -m venv "$VENV"
    "$VENV/bin/pip" install --quiet --disable-pip-version-check --no-input \
        ${wheels:+--no-index --find-links "$wheels"} -r "$VENV.wanted"
    # A path file makes `import minidocker` work in notebooks and tests too.
    echo "$COURSE" > "$("$VENV/bin/python" -c 'import site; print(site.getsitepackages()[0])')/minidocker.pth"
    mv "$VENV.wanted" "$VENV/wanted" # last: a run that was stopped starts this step again
}

folders() {
    # Where the learner writes; carried to and from the host by themselves.
    for folder in exercises notebooks .minidocker; do
        [ -d "$COURSE/$folder" ] || install -d -o learner -g learner "$COURSE/$folder"
    done
}

settings() {
    # Not `cp -a`: the files are root's here, whoever owns the repository.
    (cd "$COURSE/guest/course" && find . -type f) | while read -r file; do
        mode=644
        case $file in ./usr/local/bin/*) mode=755 ;; ./etc/sudoers.d/*) mode=440 ;; esac
        cmp -s "$COURSE/guest/course/$file" "/$file" ||
            install -D -o root -g root -m $mode "$COURSE/guest/course/$file" "/$file"
    done
    if [ ! -s /etc/minidocker-lab.token ]; then
        (umask 077; echo "JUPYTER_TOKEN=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" \
            > /etc/minidocker-lab.token)
    fi
    systemctl enable --quiet minidocker.service
}

start() {
    systemctl daemon-reload
    systemctl restart systemd-modules-load.service || say "a kernel module is missing: minidocker doctor"
    systemctl start minidocker.service
    "$COURSE/guest/measure"
}

base_image() {
    minidocker image ls 2>/dev/null | grep -q '^base' || minidocker image build-base >/dev/null
}

say "Debian packages";   debian_packages
say "the learner's user"; learner; folders
say "Python packages";   python_packages
say "settings";          settings
if [ $booted ]; then say "services"; start; fi
say "base image";        base_image
say "ready"
