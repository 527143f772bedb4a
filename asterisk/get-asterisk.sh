#!/usr/bin/env bash
# Puts Asterisk 22 into the user's cache folder and prints the folder ("the prefix").
#
# Debian 12 has no asterisk package; Debian's testing suites have one. apt, with a state folder of
# its own, downloads that package and everything it links to; the parts that are needed are kept
# next to each other and run by the prefix's own dynamic loader. Nothing is installed on the host,
# no root is needed, and the archive's signatures are verified with the host's Debian keyring.
#
#   get-asterisk.sh             use the cached prefix, or fetch one
#   get-asterisk.sh --refresh   look for a newer version first
#   get-asterisk.sh --offline   use the cached prefix or fail
#
# The prefix's path is the only line on stdout; everything for people goes to stderr.
# Layout: <cache>/<version>/{sbin,modules,lib,data,MANIFEST}, <cache>/current -> <version>, and what was found out about
# versions: <cache>/<version>.survives-pong (empty), <cache>/refused (one version of the package per line).
set -euo pipefail
export LC_ALL=C

CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/trunkline/asterisk"
SUITES="${TRUNKLINE_ASTERISK_SUITES:-forky sid}"
PACKAGES="asterisk asterisk-core-sounds-en-gsm asterisk-core-sounds-en-wav asterisk-moh-opsound-wav"

# Asterisk 22 from 22.10.1 on (that version fixes GHSA-wcvv-g26m-wx5c).
OLDEST=22.10.1
# Where keyrings are looked for (a test has none).
KEYRINGS="${TRUNKLINE_KEYRINGS:-/usr/share/keyrings}"

say() { printf '  %s\n' "$*" >&2; }
fail() {
    printf 'get-asterisk: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '              %s\n' "$line" >&2; done
    exit 1
}

# The upstream version in a Debian one: "1:22.11.0~rc1~dfsg+~cs6.16-1" -> "22.11.0-rc1".
upstream_version() {
    local v="${1#*:}"
    if [[ $v =~ ^([0-9]+(\.[0-9]+)+)([~-]rc([0-9]+))? ]]; then
        printf '%s%s\n' "${BASH_REMATCH[1]}" "${BASH_REMATCH[4]:+-rc${BASH_REMATCH[4]}}"
    fi
}

acceptable() {
    local version="$1"
    [[ $version == 22.* ]] || return 1
    # A release candidate sorts before its release: with "~" in the place of "-", dpkg knows that.
    dpkg --compare-versions "${version/-rc/~rc}" ge "$OLDEST"
}

loader_of() {
    local loader
    for loader in "$1"/lib/ld-linux*.so.*; do
        [[ -x $loader ]] && { printf '%s\n' "$loader"; return 0; }
    done
    return 1
}

# What `asterisk -V` of a prefix says, as an upstream version.
version_of() {
    local loader said
    loader="$(loader_of "$1")" || return 1
    said="$("$loader" --library-path "$1/lib" --argv0 asterisk "$1/sbin/asterisk" -V 2>/dev/null)" || return 1
    said="${said#Asterisk }"
    upstream_version "${said%% *}"
}

# One line per file: checksum, size, path. CRC by the carry-less multiplication of the processor
# reads the whole prefix in a tenth of a second: it is there to find a damaged cache, at every use.
# What was downloaded has been verified by the archive's signature before.
manifest_of() {
    (cd "$1" && find . -type f ! -name MANIFEST -print0 | sort -z | xargs -0 cksum)
}

# Some versions crash when a WebSocket client sends an unsolicited PONG (asterisk issue 2085; 22.11.0-rc1 is one). A list of their
# names would be out of date with the next of them, so each Asterisk is asked once: started on loopback, sent such a PONG and then
# a PING over ARI's WebSocket. Half a second.
#   0: it answers the PING   1: it does not any more   2: it could not be asked
survives_pong() {
    local prefix="$1" dir status=0
    # A mark that is older than the prefix speaks of an earlier one of the same version.
    [[ $prefix.survives-pong -nt $prefix/MANIFEST ]] && return 0
    dir="$(mktemp -d "${TMPDIR:-/tmp}/trunkline-probe.XXXXXX")" || return 2
    # In a shell of its own, so that whatever happens in it ends with it.
    (probe "$prefix" "$dir") || status=$?
    if [[ $status == 0 ]]; then
        # The cache may be somebody else's, who lets us read it: then it is asked each time.
        if [[ -e $prefix/MANIFEST ]]; then { : > "$prefix.survives-pong"; } 2> /dev/null || true; fi
    elif [[ $status != 1 ]]; then
        say "Asterisk could not be asked whether it survives an unsolicited PONG; it said:"
        tail -n 5 "$dir/out" 2> /dev/null | sed 's/^/      /' >&2
        status=2
    fi
    rm -rf "$dir"
    return "$status"
}

probe() {
    local prefix="$1" dir="$2" loader pid port line answer deadline late=0
    loader="$(loader_of "$prefix")" || return 2
    mkdir -p "$dir"/{etc,lib,spool,run,log} || return 2
    for _ in {1..20}; do
        port=$((11000 + RANDOM % 9000))
        { exec 3<> "/dev/tcp/127.0.0.1/$port"; } 2> /dev/null || break
        exec 3>&-
    done
    {
        printf '[directories]\nastetcdir = %s/etc\nastmoddir = %s/modules\nastdatadir = %s/data\n' "$dir" "$prefix" "$prefix"
        printf 'astvarlibdir = %s/lib\nastdbdir = %s/lib\nastkeydir = %s/lib\nastagidir = %s/lib\n' "$dir" "$dir" "$dir" "$dir"
        printf 'astspooldir = %s/spool\nastrundir = %s/run\nastlogdir = %s/log\n' "$dir" "$dir" "$dir"
        printf '[options]\nentityid = 02:00:00:00:00:01\n'
    } > "$dir/etc/asterisk.conf"
    {
        printf '[modules]\nautoload = no\n'
        printf 'load = res_%s.so\n' sorcery_config sorcery_memory http_websocket websocket_client stasis ari_model ari ari_events
    } > "$dir/etc/modules.conf"
    printf '[general]\nenabled = yes\nbindaddr = 127.0.0.1\nbindport = %s\n' "$port" > "$dir/etc/http.conf"
    printf '[general]\nenabled = yes\n[probe]\ntype = user\npassword = probe\n' > "$dir/etc/ari.conf"
    HOME="$dir" OPENSSL_CONF=/dev/null "$loader" --library-path "$prefix/lib" --argv0 asterisk "$prefix/sbin/asterisk" \
        -f -n -C "$dir/etc/asterisk.conf" > "$dir/out" 2>&1 < /dev/null 9>&- &
    pid=$!
    # shellcheck disable=SC2064 # this very process
    trap "{ kill -9 $pid && wait $pid; } 2> /dev/null || true" EXIT

    # The port is open before the last module is loaded; until then it answers 404.
    deadline=$((SECONDS + 20))
    while :; do
        kill -0 "$pid" 2> /dev/null && ((SECONDS < deadline)) || return 2
        if { exec 3<> "/dev/tcp/127.0.0.1/$port"; } 2> /dev/null; then
            printf 'GET /ari/events?app=probe HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' >&3
            printf 'Sec-WebSocket-Key: dHJ1bmtsaW5lIHByb2JlIQ==\r\nSec-WebSocket-Version: 13\r\nAuthorization: Basic cHJvYmU6cHJvYmU=\r\n\r\n' >&3
            IFS= read -r -t 5 line <&3 && [[ $line == *" 101 "* ]] && break
            exec 3>&-
        fi
        sleep 0.05
    done
    while IFS= read -r -t 5 line <&3 && [[ $line != $'\r' ]]; do :; done
    # An empty PONG and an empty PING, masked with zeros (RFC 6455 section 5.2); the answer to the latter is 8A 00.
    printf '\x8a\x80\x00\x00\x00\x00\x89\x80\x00\x00\x00\x00' >&3 2> /dev/null || return 1
    answer="$(timeout 10 head -c 2 <&3 2> /dev/null | od -An -tx1 | tr -d ' \n')" || late=$?
    [[ $answer == 8a00 ]] && return 0
    # One that crashed has closed the connection; one that is only slow is not condemned for ever.
    [[ $late == 124 ]] && return 2
    return 1
}

usable() {
    local prefix="$1" version
    [[ -f $prefix/MANIFEST && -x $prefix/sbin/asterisk ]] || return 1
    version="$(version_of "$prefix")" && [[ -n $version ]] || { say "the cached Asterisk in $prefix does not start"; return 1; }
    acceptable "$version" || { say "the cached Asterisk $version is not one of the versions that Trunkline works with"; return 1; }
    [[ ! -e $prefix/lib/libnss3.so || -e $prefix/lib/libsoftokn3.so ]] || { say "the cached Asterisk in $prefix lacks what SRTP needs"; return 1; }
    { manifest_of "$prefix" 2> /dev/null || true; } | cmp -s - "$prefix/MANIFEST" || { say "the cached Asterisk in $prefix is damaged"; return 1; }
    survives_pong "$prefix" || { say "the cached Asterisk $version cannot be used: it does not survive an unsolicited PONG"; return 1; }
}

# The cached prefix that `current` names, else the newest other one that is whole.
cached() {
    local prefix
    prefix="$(readlink -f "$CACHE/current" 2>/dev/null || true)"
    if [[ -n $prefix && -d $prefix ]] && usable "$prefix"; then
        printf '%s\n' "$prefix"
        return 0
    fi
    while IFS= read -r prefix; do
        if usable "$prefix"; then
            ln -sfn "${prefix##*/}" "$CACHE/current"
            printf '%s\n' "$prefix"
            return 0
        fi
    done < <(find "$CACHE" -mindepth 1 -maxdepth 1 -type d -name '22.*' ! -path "$prefix" 2>/dev/null | sort -rV)
    return 1
}

# The host's own Debian mirror and the keyring that signs it, as "uri<TAB>keyring", from both
# formats of apt's sources. A mirror is one that carries component main of a plain release
# (bookworm, stable …: no "-security", "-updates").
host_mirror() {
    local release="" etc
    release="$(. /etc/os-release 2>/dev/null && printf '%s' "${VERSION_CODENAME:-}")"
    etc="$(apt-config shell D Dir::Etc/d 2>/dev/null | sed -n "s/^D='\(.*\)'$/\1/p")"
    etc="${etc:-/etc/apt/}"
    find "$etc" -maxdepth 2 \( -name '*.sources' -o -name '*.list' \) -path "*sources*" -print0 2>/dev/null | sort -z |
        xargs -0 -r awk -v release="$release" '
        function has(list, word,    n, a, i) { n = split(list, a, " "); for (i = 1; i <= n; i++) if (a[i] == word) return 1; return 0 }
        function plain(suites) { return has(suites, release) || has(suites, "stable") || has(suites, "testing") || has(suites, "forky") || has(suites, "sid") }
        function offer(types, uris, suites, comps, signed,    a) {
            if (done || !has(types, "deb") || !has(comps, "main") || !plain(suites)) return
            split(uris, a, " "); print a[1] "\t" signed; done = 1
        }
        function flush() { if (f["uris"] != "" && f["enabled"] != "no") offer(f["types"], f["uris"], f["suites"], f["components"], f["signed-by"]); delete f; key = "" }
        FNR == 1 { flush() }
        FILENAME ~ /\.list$/ {
            sub(/#.*/, ""); if ($1 != "deb") next
            signed = ""; i = 2
            if ($2 ~ /^\[/) {
                options = ""
                for (; i <= NF; i++) { options = options " " $i; if ($i ~ /\]$/) { i++; break } }
                if (match(options, /signed-by=[^] ]+/)) signed = substr(options, RSTART + 10, RLENGTH - 10)
            }
            comps = ""; for (j = i + 2; j <= NF; j++) comps = comps " " $j
            offer("deb", $i, $(i + 1), comps, signed); next
        }
        /^#/ { next }
        /^[ \t]*$/ { flush(); next }
        /^[ \t]/ { if (key != "") f[key] = f[key] " " $0; next }
        { p = index($0, ":"); key = tolower(substr($0, 1, p - 1)); v = substr($0, p + 1); gsub(/^[ \t]+|[ \t]+$/, "", v); f[key] = v }
        END { flush() }' 2>/dev/null | head -n 1
}

keyring_for() {
    local signed="$1" candidate
    for candidate in "$signed" "$KEYRINGS"/debian-archive-keyring.{gpg,pgp}; do
        [[ $candidate == /* && -r $candidate ]] && { printf '%s\n' "$candidate"; return 0; }
    done
    return 1
}

# apt's settings: everything under $1, one source, the host's way to the network.
write_apt_conf() {
    local dir="$1" uri="$2" keyring="$3" suite="$4"
    mkdir -p "$dir"/{etc/preferences.d,etc/apt.conf.d,state/lists/partial,cache/archives/partial}
    : > "$dir/state/status"
    printf 'deb [signed-by=%s arch=%s] %s %s main\n' "$keyring" "$(dpkg --print-architecture)" "$uri" "$suite" > "$dir/etc/sources.list"
    {
        # Proxies, certificates and time-outs of the host stay in force.
        apt-config dump 2>/dev/null | grep -E '^Acquire::(http|https|Retries)' || true
        printf 'Dir "%s";\nDir::State "state";\nDir::State::status "%s";\nDir::Cache "cache";\nDir::Etc "etc";\n' "$dir" "$dir/state/status"
        printf 'Dir::Etc::sourcelist "%s";\nDir::Etc::sourceparts "-";\n' "$dir/etc/sources.list"
        printf 'Dir::Etc::netrc "/etc/apt/auth.conf";\nDir::Etc::netrcparts "/etc/apt/auth.conf.d";\n'
        printf 'APT::Install-Recommends "false";\nAPT::Install-Suggests "false";\nAPT::Sandbox::User "";\nAPT::Architecture "%s";\n' "$(dpkg --print-architecture)"
        printf 'Acquire::Languages "none";\nAcquire::Retries "3";\nDebug::NoLocking "true";\n'
        # The index of a testing suite may look expected to have expired, or to be of tomorrow, to a
        # host with an odd clock. The signature is verified all the same.
        printf 'Acquire::Check-Valid-Until "false";\nAcquire::Check-Date "false";\n'
        # No hooks and no indexes beyond the list of packages.
        printf 'Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";\nAcquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";\n'
    } > "$dir/apt.conf"
}

# Runs a command, its output kept for the case of failure, and says every two seconds how far the folder $1 has grown.
with_progress() {
    local what="$1" folder="$2" log="$3" pid status=0 ticks=0 size last=""
    shift 3
    "$@" > "$log" 2>&1 &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.2
        ticks=$((ticks + 1))
        if ((ticks % 10 == 0)); then
            size="$(du -sm "$folder" 2>/dev/null | cut -f1)"
            [[ $size == "$last" ]] || say "$what: ${size:-0} MB"
            last="$size"
        fi
    done
    wait "$pid" || status=$?
    return "$status"
}

# Keeps of the unpacked tree $1 what Asterisk needs, in $2.
assemble() {
    local root="$1" out="$2" triplet loader binary
    binary="$(find "$root" -type f -path '*/sbin/asterisk' -print -quit)"
    [[ -n $binary ]] || fail "the asterisk package of this suite has no sbin/asterisk" "Its layout has changed; please report it."
    # usr-merge: what a package still ships in /lib belongs to /usr/lib.
    local top
    for top in lib lib64; do
        if [[ -d $root/$top && ! -L $root/$top ]]; then
            mkdir -p "$root/usr/$top"
            cp -a "$root/$top/." "$root/usr/$top/"
        fi
    done
    loader="$(find "$root/usr" -name 'ld-linux*.so.*' \( -type f -o -type l \) -path '*/lib*-linux-gnu/*' -print -quit)"
    [[ -n $loader ]] || fail "no dynamic loader among the downloaded packages"
    triplet="$(dirname "$loader")"

    mkdir -p "$out"/{sbin,lib,modules,data}
    cp "$binary" "$out/sbin/asterisk"
    local modules
    modules="$(find "$root/usr/lib" -name res_ari.so -print -quit)"
    [[ -n $modules ]] || fail "the asterisk package of this suite has no res_ari.so" "Its layout has changed; please report it."
    cp "${modules%/*}"/*.so "$out/modules/"

    # The closure of the binary and all modules, as the loader itself resolves it. Libraries in
    # folders of their own (libpulsecommon …) are found by their run path, so those folders are searched too.
    local path lib
    path="$triplet:$(find "$triplet" -mindepth 1 -maxdepth 2 -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)"
    for lib in "$out/sbin/asterisk" "$out"/modules/*.so; do
        "$loader" --library-path "$path" --list "$lib" 2>/dev/null || true
    done | sed -n 's/.*=> \(\/[^ ]*\) (0x.*/\1/p' | sort -u > "$out.closure"
    while IFS= read -r lib; do
        # Asterisk's own libraries resolve next to the rest; what the host lends would break on another machine.
        [[ $lib == "$root"/* ]] || fail "the library $lib was taken from the host instead of the packages"
        cp -L "$lib" "$out/lib/"
    done < "$out.closure"
    rm -f "$out.closure"
    cp -L "$loader" "$out/lib/$(basename "$loader")"

    # NSS, on which libsrtp is built, opens its cryptography by name when it is first used: no list of dependencies has it. Without
    # it res_srtp, and with it Asterisk, starts only on a machine that happens to have NSS installed.
    if [[ -e $out/lib/libnss3.so ]]; then
        for lib in libsoftokn3 libfreebl3 libfreeblpriv3; do
            lib="$(find "$triplet" -name "$lib.so" -print -quit)"
            [[ -n $lib ]] || continue
            cp -L "$lib" "$out/lib/"
            { "$loader" --library-path "$path" --list "$lib" 2>/dev/null || true; } | sed -n 's/.*=> \(\/[^ ]*\) (0x.*/\1/p' |
                while IFS= read -r lib; do if [[ $lib == "$root"/* ]]; then cp -nL "$lib" "$out/lib/"; fi; done
        done
    fi

    # Documentation (Asterisk reads its XML at start), the REST interface's description, sounds and music.
    local share="$root/usr/share/asterisk"
    for lib in documentation rest-api keys phoneprov images static-http; do
        if [[ -d $share/$lib ]]; then cp -aL "$share/$lib" "$out/data/"; fi
    done
    if [[ ! -d $out/data/rest-api ]]; then
        lib="$(find "$root/usr" -name resources.json -path '*rest-api*' -print -quit)"
        [[ -n $lib ]] || fail "the description of the REST interface is missing from the downloaded packages"
        cp -aL "${lib%/*}" "$out/data/rest-api"
    fi
    mkdir -p "$out/data/sounds" "$out/data/moh"
    local english
    english="$(find "$share/sounds" -maxdepth 1 -type d -name 'en_US*' -print -quit 2> /dev/null || true)"
    [[ -n $english ]] || fail "the English sounds are missing from the downloaded packages"
    cp -aL "$english" "$out/data/sounds/en"
    local music
    music="$(find "$share" -maxdepth 1 -type d -name 'moh*' -print -quit)"
    [[ -n $music ]] || fail "the music on hold is missing from the downloaded packages"
    cp -aL "$music/." "$out/data/moh/"
    chmod -R u+rwX,go+rX "$out"
    whole "$out"
}

# Fails unless the prefix $1 has all that Trunkline runs, and every library that those parts link to.
whole() {
    local prefix="$1" loader part
    loader="$(loader_of "$prefix")" || fail "there is no dynamic loader in the prefix"
    for part in modules/{res_ari,res_ari_events,res_stasis,res_http_websocket,res_pjsip,chan_pjsip,res_musiconhold,app_stasis}.so \
        data/documentation data/rest-api/resources.json data/sounds/en/hello-world.wav data/moh/*.wav; do
        [[ -e $prefix/$part || -n $(compgen -G "$prefix/$part") ]] || fail "$part is missing from the downloaded packages"
    done
    for part in "$prefix/sbin/asterisk" "$prefix"/modules/*.so; do
        if "$loader" --library-path "$prefix/lib" --list "$part" 2>&1 | grep -F 'not found' >&2; then
            fail "${part##*/} links to a library that is not among the downloaded packages"
        fi
    done
}

# Says on stdout which prefix was fetched. Called where `set -e` is in force, so that a step that fails ends it.
fetch() {
    local tool
    for tool in apt-get apt-config apt-cache dpkg dpkg-deb awk find xargs cksum; do
        command -v "$tool" > /dev/null || fail "this needs '$tool', which is not here" \
            "Trunkline gets Asterisk from Debian's archive; use Debian 12 or newer, or put a prefix into $CACHE by hand."
    done
    local mirror uri keyring
    mirror="${TRUNKLINE_DEBIAN_MIRROR:-}"
    [[ -n $mirror ]] || mirror="$(host_mirror)"
    [[ -n $mirror ]] || fail "found no Debian mirror in apt's sources (/etc/apt/sources.list, sources.list.d)" \
        "Set TRUNKLINE_DEBIAN_MIRROR to the address of one and run this again."
    IFS=$'\t' read -r uri keyring <<< "$mirror"$'\t'
    keyring="$(keyring_for "${keyring:-}")" || fail "found no keyring of the Debian archive" "Run: apt-get install debian-archive-keyring"

    local suite candidate version
    for suite in $SUITES; do
        say "looking for Asterisk 22 in Debian's $suite"
        rm -rf "$WORK/apt"
        write_apt_conf "$WORK/apt" "$uri" "$keyring" "$suite"
        if ! APT_CONFIG="$WORK/apt/apt.conf" with_progress "reading the package list" "$WORK/apt/state" "$WORK/log" apt-get -q update ||
            grep -qE '^(W|E): .*(GPG error|Failed to fetch|not signed)' "$WORK/log"; then
            say "could not read the package list of $suite:"
            grep -E '^(E|W): ' "$WORK/log" | head -n 3 | sed 's/^/      /' >&2 || true
            offered "$suite:unreadable"
            continue
        fi
        candidate="$(APT_CONFIG="$WORK/apt/apt.conf" apt-cache policy asterisk 2>/dev/null | sed -n 's/^ *Candidate: //p')"
        version="$(upstream_version "${candidate:-}")"
        if [[ -z $version ]] || ! acceptable "$version"; then
            say "$suite has Asterisk ${version:-(none)}: not usable (needed: 22.x from $OLDEST on)"
            offered "$suite:${version:-none}"
            continue
        fi
        if grep -qxF -- "$candidate" "$CACHE/refused" 2> /dev/null; then
            say "$suite has Asterisk $version, which was tried before: it does not survive an unsolicited PONG"
            offered "$suite:$version(crashes)"
            continue
        fi
        if [[ -d $CACHE/$version ]] && usable "$CACHE/$version" 2> /dev/null; then
            say "Asterisk $version is in the cache already"
            ln -sfn "$version" "$CACHE/current"
            printf '%s\n' "$CACHE/$version"
            return 0
        fi
        if ! download "$version"; then
            offered "$suite:$version(download failed)"
            continue
        fi
        unpack "$version"
        local answer=0
        survives_pong "$WORK/prefix" || answer=$?
        if [[ $answer != 0 ]]; then
            # One that could not be asked is asked again next time.
            if [[ $answer == 1 ]]; then
                printf '%s\n' "$candidate" >> "$CACHE/refused"
                say "Asterisk $version of $suite cannot be used: it crashes on an unsolicited PONG"
                offered "$suite:$version(crashes)"
            else
                offered "$suite:$version(could not be tried)"
            fi
            rm -rf "$WORK/prefix"
            continue
        fi
        keep "$version"
        return 0
    done
    return 1
}

# Remembers what was offered, for the sentence at the end.
offered() { printf ' %s' "$1" >> "$WORK/offered"; }

download() {
    local version="$1"
    say "downloading Asterisk $version and its libraries (about 110 MB)"
    # shellcheck disable=SC2086 # a list of words
    APT_CONFIG="$WORK/apt/apt.conf" with_progress "downloaded" "$WORK/apt/cache/archives" "$WORK/log" \
        apt-get -q -y --download-only --no-install-recommends install $PACKAGES || {
        say "the download failed:"
        tail -n 5 "$WORK/log" | sed 's/^/      /' >&2
        return 1
    }
}

# Makes $WORK/prefix of what was downloaded.
unpack() {
    local version="$1" deb runs
    say "unpacking"
    rm -rf "$WORK/root" "$WORK/prefix"
    mkdir -p "$WORK/root"
    for deb in "$WORK"/apt/cache/archives/*.deb; do
        dpkg-deb -x "$deb" "$WORK/root" 2>> "$WORK/log" || fail "could not unpack $(basename "$deb")" "Is the disk full? $(df -h "$WORK" | tail -n 1)"
    done
    rm -rf "$WORK/apt"
    say "keeping what Asterisk links to"
    assemble "$WORK/root" "$WORK/prefix"
    rm -rf "$WORK/root"
    runs="$(version_of "$WORK/prefix" || true)"
    [[ $runs == "$version" ]] || fail "the unpacked Asterisk says '$runs' where $version was expected" "Run: ASTERISK_DEBUG=1 $0 --refresh, and report what it shows."
}

# Puts $WORK/prefix into the cache. Its manifest is written last: what has none is not used.
keep() {
    local version="$1"
    manifest_of "$WORK/prefix" > "$WORK/MANIFEST"
    mv "$WORK/MANIFEST" "$WORK/prefix/MANIFEST"
    rm -rf "${CACHE:?}/$version"
    mv "$WORK/prefix" "$CACHE/$version"
    ln -sfn "$version" "$CACHE/current"
    : > "$CACHE/$version.survives-pong"
    say "Asterisk $version is ready ($(du -sm "$CACHE/$version" | cut -f1) MB in $CACHE/$version)"
    printf '%s\n' "$CACHE/$version"
}

mode=cached
for word in "$@"; do
    case "$word" in
        --refresh) mode=refresh ;;
        --offline) mode=offline ;;
        -h | --help) sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
        *) fail "unknown option '$word'" "Known: --refresh, --offline, --help" ;;
    esac
done

mkdir -p "$CACHE" 2>/dev/null || fail "cannot write to $CACHE" "Set XDG_CACHE_HOME to a folder of yours and run this again."
RESULT=""

if [[ $mode != refresh ]] && RESULT="$(cached)"; then
    printf '%s\n' "$RESULT"
    exit 0
fi
[[ $mode == offline ]] && fail "there is no usable Asterisk in $CACHE" "Run without --offline to fetch one."

# One at a time: tests that start together wait here for the first one's download.
exec 9> "$CACHE/.lock"
if ! flock -n 9; then
    say "another process is fetching Asterisk; waiting for it"
    flock 9
fi
if [[ $mode != refresh ]] && RESULT="$(cached 2> /dev/null)"; then
    printf '%s\n' "$RESULT"
    exit 0
fi

# Folders of runs that were killed hold nothing of worth: we have the lock.
rm -rf "$CACHE"/.build.*
WORK="$(mktemp -d "$CACHE/.build.XXXXXX")"
trap 'rm -rf "$WORK"' EXIT
[[ -n ${ASTERISK_DEBUG:-} ]] && set -x

# Not in a condition: there bash would go on after a step that failed.
set +e
RESULT="$(set -e; fetch)"
fetched=$?
set -e
if [[ $fetched != 0 ]]; then
    seen="$(cat "$WORK/offered" 2> /dev/null || true)"
    why="${seen:+ ($(sed 's/^ //' <<< "$seen"))}"
    if RESULT="$(cached)"; then
        say "no usable Asterisk 22 can be had now$why: going on with the cached $(basename "$RESULT")"
    else
        fail "no usable Asterisk 22 can be had$why, and none is in the cache" \
            "Needed is a 22.x from $OLDEST on. Check that this machine reaches its Debian mirror (apt-get update)," \
            "or copy $CACHE from a machine that has one, then run this again."
    fi
fi
printf '%s\n' "$RESULT"
