//! Which Asterisk `get-asterisk.sh` takes, and what it does when there is none to be had: against an archive that is made up,
//! with an Asterisk that can do no more than be asked whether it survives an unsolicited PONG.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// apt, as far as the script uses it: what a suite offers stands in a file of its name, and a package holds its own version.
const APT: &str = r#"#!/bin/bash
suite() { sed -n 's/^deb .* \([a-z]*\) main$/\1/p' "${APT_CONFIG%/*}/etc/sources.list"; }
case "${0##*/} $*" in
    "apt-config shell"*) echo "D='@FOLDER@/etc/'" ;;
    "apt-config dump"*) ;;
    "apt-get -q update")
        [[ -e @FOLDER@/offers/$(suite) ]] || { echo "E: Failed to fetch $(suite)"; exit 100; } ;;
    "apt-cache policy asterisk") echo "  Candidate: $(cat "@FOLDER@/offers/$(suite)")" ;;
    "apt-get "*" install "*)
        cp "@FOLDER@/offers/$(suite)" "${APT_CONFIG%/*}/cache/archives/asterisk.deb"
        suite >> @FOLDER@/downloads ;;
    "dpkg-deb -x "*) cp -a "@FOLDER@/packages/$(cat "$2")/." "$3/" ;;
esac
"#;

/// A dynamic loader for scripts.
const LOADER: &str = r#"#!/bin/bash
shift 2
if [[ $1 == --list ]]; then grep -s '^needs' "$2" | sed 's/^needs \(.*\)/\t\1 => not found/'; exit 0; fi
shift 2
exec "$@"
"#;

/// Says its version, or is a server that answers the handshake, and the PING after a PONG if it survives that.
const ASTERISK: &str = r#"#!/usr/bin/perl
use IO::Socket::INET;
if ($ARGV[0] eq "-V") { print "Asterisk @VERSION@\n"; exit }
my ($conf) = $ARGV[-1] =~ m{(.*)/asterisk\.conf};
open(my $http, "<", "$conf/http.conf") or die;
my ($port) = join("", <$http>) =~ /bindport = (\d+)/;
my $server = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $port, Listen => 5, ReuseAddr => 1) or die "port";
while (my $client = $server->accept) {
    while (my $line = <$client>) { last if $line eq "\r\n" }
    print $client "HTTP/1.1 101 Switching Protocols\r\n\r\n";
    $client->flush;
    next if read($client, my $pong, 6) != 6;
    exit 139 if @CRASHES@;
    read($client, my $ping, 6);
    print $client "\x8a\x00" if substr($ping, 0, 1) eq "\x89";
    $client->flush;
}
"#;

/// The modules that Trunkline cannot do without.
const MODULES: [&str; 8] = [
    "res_ari",
    "res_ari_events",
    "res_stasis",
    "res_http_websocket",
    "res_pjsip",
    "chan_pjsip",
    "res_musiconhold",
    "app_stasis",
];

/// A machine with an archive.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["bin", "etc", "keyrings", "offers", "packages"] {
            fs::create_dir(machine.path(folder)).unwrap();
        }
        let text = APT.replace("@FOLDER@", &machine.folder.path().display().to_string());
        for program in ["apt-config", "apt-get", "apt-cache", "dpkg-deb"] {
            executable(&machine.path(&format!("bin/{program}")), &text);
        }
        fs::create_dir(machine.path("etc/sources.list.d")).unwrap();
        fs::write(machine.path("etc/sources.list"), "deb http://mirror.test/debian stable main\n").unwrap();
        fs::write(machine.path("keyrings/debian-archive-keyring.gpg"), "").unwrap();
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A suite has this version of the package; gives the folder of what is in it.
    fn offers(&self, suite: &str, package: &str, says: &str, crashes: bool) -> PathBuf {
        fs::write(self.path(&format!("offers/{suite}")), package).unwrap();
        let root = self.path(&format!("packages/{package}/usr"));
        let (library, share) = (root.join("lib/x86_64-linux-gnu"), root.join("share/asterisk"));
        for folder in [root.join("sbin"), library.join("asterisk/modules")] {
            fs::create_dir_all(folder).unwrap();
        }
        let crashes = if crashes { "1" } else { "0" };
        executable(&root.join("sbin/asterisk"), &ASTERISK.replace("@VERSION@", says).replace("@CRASHES@", crashes));
        executable(&library.join("ld-linux-test.so.2"), LOADER);
        for module in MODULES {
            fs::write(library.join(format!("asterisk/modules/{module}.so")), "").unwrap();
        }
        for file in
            ["documentation/core.xml", "rest-api/resources.json", "sounds/en_US_f/hello-world.wav", "moh/music.wav"]
        {
            let file = share.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        library.join("asterisk/modules")
    }

    /// Runs the script; gives the version it took, if any, and what it said.
    fn get(&self, words: &[&str]) -> (Option<String>, String) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../asterisk/get-asterisk.sh");
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        let output = Command::new(script)
            .args(words)
            .env("PATH", path)
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("TRUNKLINE_KEYRINGS", self.path("keyrings"))
            .env_remove("TRUNKLINE_DEBIAN_MIRROR")
            .env_remove("TRUNKLINE_ASTERISK_SUITES")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let prefix = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert_eq!(output.status.success(), !prefix.is_empty(), "{prefix} {said}");
        assert!(!prefix.contains('\n'), "the prefix is the only line: {prefix}");
        let version = prefix.rsplit('/').next().filter(|version| !version.is_empty()).map(str::to_owned);
        (version, said)
    }

    /// From which suites something was downloaded.
    fn downloads(&self) -> Vec<String> {
        fs::read_to_string(self.path("downloads")).unwrap_or_default().lines().map(str::to_owned).collect()
    }
}

fn executable(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_first_suite_with_a_fitting_version_is_taken_and_kept() {
    let machine = Machine::new();
    machine.offers("forky", "1:22.10.0~dfsg-1", "22.10.0", false);
    machine.offers("sid", "1:22.10.1~dfsg+~cs6.17-1", "22.10.1~dfsg+~cs6.17-1", false);
    let (version, said) = machine.get(&[]);
    assert_eq!(version.as_deref(), Some("22.10.1"), "{said}");
    assert!(said.contains("forky has Asterisk 22.10.0: not usable (needed: 22.x from 22.10.1 on)"), "{said}");
    // From then on nobody is asked.
    assert_eq!(machine.get(&[]), (Some("22.10.1".to_owned()), String::new()));
    assert_eq!(machine.get(&["--offline"]).0.as_deref(), Some("22.10.1"));
    assert_eq!(machine.downloads(), ["sid"]);
}

#[test]
fn another_major_version_is_not_taken() {
    let machine = Machine::new();
    machine.offers("forky", "1:23.1.0~dfsg-1", "23.1.0", false);
    let (version, said) = machine.get(&[]);
    assert_eq!(version, None);
    assert!(said.contains("(forky:23.1.0 sid:unreadable), and none is in the cache"), "{said}");
    assert!(machine.downloads().is_empty());
}

#[test]
fn one_that_crashes_on_a_pong_is_refused_whatever_its_name_and_not_fetched_twice() {
    let machine = Machine::new();
    machine.offers("forky", "1:22.11.0~rc1~dfsg-1", "22.11.0-rc1", true);
    machine.offers("sid", "1:22.10.1~dfsg-1", "22.10.1", false);
    let (version, said) = machine.get(&[]);
    assert_eq!(version.as_deref(), Some("22.10.1"), "{said}");
    assert!(said.contains("Asterisk 22.11.0-rc1 of forky cannot be used: it crashes on an unsolicited PONG"), "{said}");
    let (version, said) = machine.get(&["--refresh"]);
    assert_eq!(version.as_deref(), Some("22.10.1"), "{said}");
    assert!(said.contains("forky has Asterisk 22.11.0-rc1, which was tried before"), "{said}");
    assert_eq!(machine.downloads(), ["forky", "sid"]);
    // The same version, mended by the distribution, is another package.
    machine.offers("forky", "1:22.11.0~rc1~dfsg-2", "22.11.0-rc1", false);
    assert_eq!(machine.get(&["--refresh"]).0.as_deref(), Some("22.11.0-rc1"));
}

#[test]
fn one_in_the_cache_that_crashes_on_a_pong_is_not_used() {
    let machine = Machine::new();
    machine.offers("forky", "1:22.10.2~dfsg-1", "22.10.2", false);
    assert_eq!(machine.get(&[]).0.as_deref(), Some("22.10.2"));
    // As if it had been fetched before anybody asked, or copied from elsewhere.
    let cache = machine.path("cache/trunkline/asterisk");
    fs::remove_file(cache.join("22.10.2.survives-pong")).unwrap();
    let program = cache.join("22.10.2/sbin/asterisk");
    let text = fs::read_to_string(&program).unwrap().replace("exit 139 if 0", "exit 139 if 1");
    fs::write(&program, text).unwrap();
    let checksums =
        "find . -type f ! -name MANIFEST -print0 | LC_ALL=C sort -z | xargs -0 cksum > ../M && mv ../M MANIFEST";
    let status = Command::new("bash").args(["-c", checksums]).current_dir(cache.join("22.10.2")).status().unwrap();
    assert!(status.success());
    let (version, said) = machine.get(&["--offline"]);
    assert_eq!(version, None, "{said}");
    assert!(
        said.contains("the cached Asterisk 22.10.2 cannot be used: it does not survive an unsolicited PONG"),
        "{said}"
    );
}

#[test]
fn a_refresh_without_mirror_or_keyring_goes_on_with_the_cached_one_and_says_so() {
    let machine = Machine::new();
    machine.offers("forky", "1:22.10.1~dfsg-1", "22.10.1", false);
    assert_eq!(machine.get(&[]).0.as_deref(), Some("22.10.1"));
    fs::remove_file(machine.path("keyrings/debian-archive-keyring.gpg")).unwrap();
    let (version, said) = machine.get(&["--refresh"]);
    assert_eq!(version.as_deref(), Some("22.10.1"), "{said}");
    assert!(said.contains("found no keyring") && said.contains("going on with the cached 22.10.1"), "{said}");
    fs::write(machine.path("etc/sources.list"), "# nothing\n").unwrap();
    let (version, said) = machine.get(&["--refresh"]);
    assert_eq!(version.as_deref(), Some("22.10.1"), "{said}");
    assert!(said.contains("found no Debian mirror") && said.contains("going on with the cached 22.10.1"), "{said}");
    // With nothing in the cache that is the end.
    fs::remove_dir_all(machine.path("cache")).unwrap();
    let (version, said) = machine.get(&[]);
    assert_eq!(version, None);
    assert!(said.contains("found no Debian mirror") && said.contains("none is in the cache"), "{said}");
}

#[test]
fn suites_that_have_nothing_or_cannot_be_read_leave_the_cached_one() {
    let machine = Machine::new();
    machine.offers("forky", "1:22.10.1~dfsg-1", "22.10.1", false);
    assert_eq!(machine.get(&[]).0.as_deref(), Some("22.10.1"));
    fs::remove_file(machine.path("offers/forky")).unwrap();
    fs::write(machine.path("offers/sid"), "(none)").unwrap();
    let (version, said) = machine.get(&["--refresh"]);
    assert_eq!(version.as_deref(), Some("22.10.1"), "{said}");
    let words = "no usable Asterisk 22 can be had now (forky:unreadable sid:none): going on with the cached 22.10.1";
    assert!(said.contains(words), "{said}");
}

#[test]
fn a_prefix_in_which_something_is_missing_is_never_kept() {
    // What is done to the package, and what is said of it.
    type Damage = fn(&Path);
    let damages: [(Damage, &str); 4] = [
        (|modules| fs::remove_file(modules.join("chan_pjsip.so")).unwrap(), "modules/chan_pjsip.so is missing"),
        // The copy of this one fails.
        (|modules| fs::create_dir(modules.join("res_folder.so")).unwrap(), "res_folder.so"),
        (
            |modules| fs::write(modules.join("res_ari.so"), "needs libgone.so.1\n").unwrap(),
            "res_ari.so links to a library",
        ),
        (
            |modules| fs::remove_dir_all(modules.join("../../../../share/asterisk/moh")).unwrap(),
            "music on hold is missing",
        ),
    ];
    let machine = Machine::new();
    for (damage, words) in damages {
        damage(&machine.offers("forky", "1:22.10.1~dfsg-1", "22.10.1", false));
        let (version, said) = machine.get(&[]);
        assert_eq!(version, None, "{words}: {said}");
        assert!(said.contains(words), "{words}: {said}");
        let cache = fs::read_dir(machine.path("cache/trunkline/asterisk")).unwrap();
        let kept: Vec<_> = cache.flatten().map(|entry| entry.file_name()).filter(|name| name != ".lock").collect();
        assert!(kept.is_empty(), "{words}: {kept:?}");
        fs::remove_dir_all(machine.path("packages")).unwrap();
    }
}

#[test]
fn a_damaged_cache_is_noticed_and_fetched_anew() {
    let machine = Machine::new();
    machine.offers("forky", "1:22.10.1~dfsg-1", "22.10.1", false);
    assert_eq!(machine.get(&[]).0.as_deref(), Some("22.10.1"));
    let module = machine.path("cache/trunkline/asterisk/22.10.1/modules/res_ari.so");
    fs::write(&module, "damage").unwrap();
    let (version, said) = machine.get(&["--offline"]);
    assert_eq!(version, None);
    assert!(said.contains("is damaged"), "{said}");
    assert_eq!(machine.get(&[]).0.as_deref(), Some("22.10.1"));
    assert_eq!(fs::read_to_string(&module).unwrap(), "");
    assert_eq!(machine.downloads(), ["forky", "forky"]);
}
