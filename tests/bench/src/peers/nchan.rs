//! nchan: an nginx module that fans messages out to WebSockets, with a short history. <https://nchan.io>

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tempfile::TempDir;
use trunkline_stack::Ports;
use trunkline_stack::process::{Process, ProcessSpec};

use crate::driver::{Endpoint, Entry, Publish};
use crate::websocket::upgrade_request;

const CONFIG: &str = include_str!("../../nchan.conf.in");
const MODULES: [&str; 2] =
    ["/usr/lib/nginx/modules/ngx_nchan_module.so", "/usr/share/nginx/modules/ngx_nchan_module.so"];
const NGINX: [&str; 2] = ["/usr/sbin/nginx", "/usr/bin/nginx"];
const START_LIMIT: Duration = Duration::from_secs(10);

/// A running nginx with nchan; dropping it stops it.
#[derive(Debug)]
pub(crate) struct Nchan {
    process: Process,
    address: SocketAddr,
    _dir: TempDir,
}

impl Nchan {
    pub(crate) async fn start(core: usize) -> anyhow::Result<Self> {
        let (Some(nginx), Some(module)) = (first_there(&NGINX), first_there(&MODULES)) else {
            bail!("nginx with nchan is not here: apt-get install nginx libnginx-mod-nchan");
        };
        let dir = tempfile::tempdir().context("no folder for nginx")?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, Ports::free()?));
        let config = dir.path().join("nginx.conf");
        fs::write(&config, render(module, address.port(), core, dir.path())).context("cannot write nginx.conf")?;
        let config = config.to_string_lossy().into_owned();
        let prefix = dir.path().to_string_lossy().into_owned();
        let log = dir.path().join("log");
        let mut process = ProcessSpec::new("nginx", [nginx, "-p", &prefix, "-c", &config], dir.path(), &log).start()?;
        process.wait_ready(START_LIMIT, async || TcpStream::connect(address).is_ok()).await?;
        Ok(Self { process, address, _dir: dir })
    }

    /// `run` keeps the channels of one measurement apart from those of another.
    pub(crate) fn endpoint(&self, run: &str, channels: usize) -> Endpoint {
        Endpoint {
            pid: self.process.pid(),
            beside: None,
            stream: self.address,
            upgrades: (0..channels)
                .map(|channel| upgrade_request(&format!("/subscribe?channel={run}-{channel}"), ""))
                .collect(),
            entry: Entry::Address,
            publish: Publish::Http { address: self.address, path: format!("/publish?channel={run}-") },
        }
    }
}

/// nchan's and nginx's version, as the package manager knows them.
pub(crate) fn version() -> String {
    let asked = Command::new("dpkg-query").args(["-W", "-f", "${Version}", "libnginx-mod-nchan"]).output();
    let package = asked.ok().filter(|output| output.status.success());
    // 1:1.3.6+dfsg-2
    package.map_or_else(
        || "unknown".to_owned(),
        |output| {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let text = text.split_once(':').map_or(text.as_str(), |(_, rest)| rest);
            text.split(['+', '-']).next().unwrap_or(text).to_owned()
        },
    )
}

fn first_there(paths: &[&'static str]) -> Option<&'static str> {
    paths.iter().copied().find(|path| Path::new(path).exists())
}

fn render(module: &str, port: u16, core: usize, dir: &Path) -> String {
    // A mask in binary, the first core at its right end.
    let mask = format!("1{}", "0".repeat(core));
    CONFIG
        .replace("@MODULE@", module)
        .replace("@CORE_MASK@", &mask)
        .replace("@PORT@", &port.to_string())
        .replace("@DIR@", &dir.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_filled_in() {
        let text = render("/modules/nchan.so", 4242, 1, Path::new("/somewhere"));
        assert!(!text.contains('@'), "{text}");
        assert!(text.contains("load_module /modules/nchan.so;") && text.contains("listen 127.0.0.1:4242 "));
        assert!(text.contains("worker_cpu_affinity 10;") && text.contains("pid /somewhere/nginx.pid;"));
    }
}
