"""Cut a small Debian root tree out of the running Debian host: `debian_slice.py PACKAGE... > root.tar`.

For machines that reach no container registry: the named packages, what they depend on, and the essential ones become the base
of an image, in a second and without any network. Only what packages installed is copied, with the configuration as it is here.
Needs nothing but Python 3.11's library. Exits with 1 and a sentence where a package is not installed here.
"""

from __future__ import annotations

import io
import os
import re
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

STATUS = Path("/var/lib/dpkg/status")
INFO = Path("/var/lib/dpkg/info")
LEFT_OUT = re.compile(r"^/usr/share/(man|doc|locale|info|lintian|doc-base)/|/__pycache__/|/EXTERNALLY-MANAGED$")
#: What the host's administrator has made, or a package's script; the image gets its own.
MADE_ANEW = {"etc/passwd", "etc/group", "etc/shadow", "etc/gshadow", "etc/hostname", "etc/hosts", "etc/resolv.conf", "var/lib/dpkg/status"}  # fmt: skip
# fmt: off
SCRIPTS = ["list", "md5sums", "shlibs", "triggers", "conffiles", "postinst", "prerm", "postrm", "preinst", "symbols", "templates", "config"]
# fmt: on
NOT_IN_PACKAGES = [
    "/etc/ssl/certs",
    "/etc/ca-certificates.conf",
    "/etc/nsswitch.conf",
    "/etc/profile",
    "/etc/shells",
    "/etc/login.defs",
    "/etc/environment",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/debian_version",
    "/etc/ld.so.cache",
    "/etc/apt/sources.list.d/debian.sources",
    "/etc/apt/sources.list",
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/etc/debconf.conf",
    "/var/lib/dpkg/info/format",
]
FOLDERS = {
    "tmp": 0o1777, "var/tmp": 0o1777, "root": 0o700, "home": 0o755, "proc": 0o755, "sys": 0o755, "dev": 0o755, "run": 0o755,
    "var/lib/dpkg/updates": 0o755, "var/lib/dpkg/parts": 0o755, "var/lib/apt/lists/partial": 0o755, "var/log/apt": 0o755,
    "var/cache/apt/archives/partial": 0o755, "var/cache/debconf": 0o755,
}  # fmt: skip
PAM = {
    "account": "account required pam_unix.so", "auth": "auth required pam_unix.so nullok",
    "password": "password required pam_unix.so obscure yescrypt", "session": "session required pam_unix.so",
    "session-noninteractive": "session required pam_unix.so",
}  # fmt: skip
SMALL = {  # images carry no package lists, no documentation, and start no daemon when a package is installed
    "etc/apt/apt.conf.d/docker-clean": 'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache ""; Acquire::Languages "none";\n'
    'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };\nDPkg::Options { "--force-unsafe-io"; };\n',
    "etc/dpkg/dpkg.cfg.d/docker-nodoc": "path-exclude /usr/share/doc/*\npath-exclude /usr/share/man/*\npath-exclude /usr/share/locale/*\n",
    "usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n",
}


def installed() -> dict[str, tuple[dict[str, str], str]]:
    """Return the fields and the whole paragraph of every installed package."""
    packages = {}
    for paragraph in STATUS.read_text(encoding="utf-8", errors="replace").split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", paragraph, re.MULTILINE))
        if " installed" in fields.get("Status", ""):
            packages[fields["Package"]] = (fields, paragraph.strip("\n"))
    return packages


def closure(wanted: list[str], packages: dict[str, tuple[dict[str, str], str]]) -> list[str]:
    """Return the wanted packages, the essential ones, and all that these depend on."""
    provided: dict[str, str] = {}
    for name, (fields, _) in packages.items():
        for virtual in fields.get("Provides", "").split(","):
            provided.setdefault(re.split(r"[ (:]", virtual.strip())[0], name)
    todo = [name for name, (fields, _) in packages.items() if fields.get("Essential") == "yes"] + wanted
    found: set[str] = set()
    while todo:
        name = todo.pop()
        name = name if name in packages else provided.get(name, name)
        if name not in packages:
            sys.exit(f"the package {name} is not installed here")
        if name in found:
            continue
        found.add(name)
        for field in ("Pre-Depends", "Depends"):
            for group in filter(None, (text.strip() for text in packages[name][0].get(field, "").split(","))):
                choices = [re.split(r"[ (:]", choice.strip())[0] for choice in group.split("|")]
                todo.append(next((choice for choice in choices if choice in packages or choice in provided), choices[0]))
    return sorted(found)


def files(names: list[str]) -> set[str]:
    """Return the paths of everything that the packages brought, with parent folders and alternatives."""
    paths: set[str] = set()

    def add(path: str) -> None:
        path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))  # merged /usr
        if not os.path.lexists(path):
            return
        while path != "/" and path not in paths:
            paths.add(path)
            path = os.path.dirname(path)

    for name in names:
        listing = next((path for path in INFO.glob(f"{name}*.list") if path.stem.partition(":")[0] == name), None)
        if listing is None:
            sys.exit(f"no list of files for {name}")
        for line in listing.read_text(encoding="utf-8").splitlines():
            if line not in ("/.", "/") and not LEFT_OUT.search(line):
                add(line)
        for script in SCRIPTS:
            add(str(listing.with_suffix(f".{script}")))
    paths.update(link for link in ("/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32") if os.path.islink(link))
    for name in os.listdir("/etc/alternatives"):
        if os.path.realpath(f"/etc/alternatives/{name}") in paths:
            add(f"/etc/alternatives/{name}")
    for folder in ("/usr/bin", "/usr/sbin"):
        for name in os.listdir(folder):
            link = f"{folder}/{name}"
            if os.path.islink(link) and os.readlink(link).startswith("/etc/alternatives/") and os.readlink(link) in paths:
                add(link)
    for path in (*NOT_IN_PACKAGES, *map(str, Path("/etc/ssl/certs").glob("*"))):
        add(path)
    return paths


def made(names: list[str], packages: dict[str, tuple[dict[str, str], str]]) -> Iterator[tuple[str, str, int]]:
    """Yield the files that the image gets of its own: name, text, mode."""
    users = Path("/usr/share/base-passwd/passwd.master").read_text(encoding="ascii").replace(":*:", ":x:")
    users += "_apt:x:42:65534::/nonexistent:/usr/sbin/nologin\n"
    groups = Path("/usr/share/base-passwd/group.master").read_text(encoding="ascii")
    yield "etc/passwd", users, 0o644
    yield "etc/group", groups, 0o644
    yield "etc/shadow", "".join(f"{line.split(':')[0]}:*:19000:0:99999:7:::\n" for line in users.splitlines()), 0o640
    yield "etc/gshadow", "".join(f"{line.split(':')[0]}:*::\n" for line in groups.splitlines()), 0o640
    yield "var/lib/dpkg/status", "\n\n".join(packages[name][1] for name in names) + "\n\n", 0o644
    yield "var/lib/dpkg/available", "", 0o644
    for kind, line in PAM.items():  # a package's script made these here; useradd needs them
        yield f"etc/pam.d/common-{kind}", line + "\n", 0o644
    for name, text in SMALL.items():
        yield name, text, 0o755 if name.startswith("usr/sbin") else 0o644
    bundle = Path("/etc/ssl/certs/ca-certificates.crt")
    if bundle.exists():  # so that a run of update-ca-certificates in the image keeps the authorities that this host trusts
        yield "usr/local/share/ca-certificates/host-bundle.crt", bundle.read_text(encoding="ascii", errors="replace"), 0o644


def write(wanted: list[str], archive: tarfile.TarFile) -> None:
    """Write the tree."""
    packages = installed()
    names = closure(wanted, packages)
    seen: set[str] = set()

    def put(name: str, *, kind: bytes = tarfile.REGTYPE, mode: int = 0o644, text: str = "", link: str = "") -> None:
        if name in seen:
            return
        seen.add(name)
        entry, data = tarfile.TarInfo(name), text.encode()
        entry.type, entry.mode, entry.linkname, entry.size, entry.mtime = kind, mode, link, len(data), int(time.time())
        archive.addfile(entry, io.BytesIO(data))

    for path in sorted(files(names)):
        if path[1:] not in MADE_ANEW:
            seen.add(path[1:])
            archive.add(path, arcname=path[1:], recursive=False)
    for name, text, mode in made(names, packages):
        put(name, text=text, mode=mode)
    for name, mode in FOLDERS.items():
        put(name, kind=tarfile.DIRTYPE, mode=mode)
    for name, link in (("usr/local/bin/python", "/usr/bin/python3"), ("var/run", "/run"), ("var/lock", "/run/lock")):
        put(name, kind=tarfile.SYMTYPE, link=link)


if __name__ == "__main__":
    if not STATUS.exists():
        sys.exit("this is no Debian")
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.GNU_FORMAT) as root:
        write(sys.argv[1:], root)
