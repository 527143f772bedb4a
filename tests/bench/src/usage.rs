//! What processes use, as the kernel counts it (proc(5)), and where they may run.

use std::fs;
use std::time::Duration;

use anyhow::Context as _;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::{Pid, SysconfVar, sysconf};

/// CPU time of a process, all its threads, its living descendants, and the children it has waited for.
pub(crate) fn cpu_of_tree(pid: u32) -> anyhow::Result<Duration> {
    let mut ticks = 0;
    for member in tree(pid) {
        // One that ended since it was listed is counted by its parent.
        if let Ok(text) = fs::read_to_string(format!("/proc/{member}/stat")) {
            ticks += parse_stat(&text).with_context(|| format!("cannot understand /proc/{member}/stat"))?.ticks;
        }
    }
    anyhow::ensure!(ticks > 0 || fs::exists(format!("/proc/{pid}"))?, "process {pid} has ended");
    Ok(Duration::from_secs_f64(ticks as f64 / ticks_per_second()))
}

/// CPU time of the children that this process has waited for.
pub(crate) fn cpu_of_reaped_children() -> anyhow::Result<Duration> {
    let text = fs::read_to_string("/proc/self/stat").context("cannot read /proc/self/stat")?;
    let stat = parse_stat(&text).context("cannot understand /proc/self/stat")?;
    Ok(Duration::from_secs_f64(stat.reaped_ticks as f64 / ticks_per_second()))
}

/// Resident memory of a process and its descendants, in KiB.
pub(crate) fn resident_kib(pid: u32) -> anyhow::Result<u64> {
    let mut sum = 0;
    for member in tree(pid) {
        let text = fs::read_to_string(format!("/proc/{member}/status")).context("the process has ended")?;
        sum += parse_resident(&text).with_context(|| format!("cannot understand /proc/{member}/status"))?;
    }
    Ok(sum)
}

/// The process and its living descendants.
pub(crate) fn tree(pid: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid: u32| Some((pid, parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?.parent)))
        .collect();
    let mut members = vec![pid];
    let mut next = 0;
    while let Some(&parent) = members.get(next) {
        members.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(child, _)| *child));
        next += 1;
    }
    members
}

#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// User and system time, its own and that of children it has waited for.
    ticks: u64,
    reaped_ticks: u64,
}

/// The name, in brackets, may hold anything: what follows its last bracket counts.
fn parse_stat(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    let reaped_ticks = number(13)? + number(14)?;
    Some(Stat {
        parent: u32::try_from(number(1)?).ok()?,
        ticks: number(11)? + number(12)? + reaped_ticks,
        reaped_ticks,
    })
}

fn parse_resident(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()
}

fn ticks_per_second() -> f64 {
    sysconf(SysconfVar::CLK_TCK).ok().flatten().map_or(100.0, |ticks| ticks as f64)
}

/// The two cores of a measurement: the servers' and everything else's. The same one on a machine with one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cores {
    pub(crate) server: usize,
    pub(crate) driver: usize,
}

impl Cores {
    /// The first and the second core that we may use.
    pub(crate) fn pick() -> anyhow::Result<Self> {
        let allowed = allowed()?;
        let server = *allowed.first().context("no core is allowed")?;
        Ok(Self { server, driver: allowed.get(1).copied().unwrap_or(server) })
    }
}

fn allowed() -> anyhow::Result<Vec<usize>> {
    let set = sched_getaffinity(Pid::from_raw(0)).context("cannot ask for the cores")?;
    Ok((0..CpuSet::count()).filter(|core| set.is_set(*core).unwrap_or(false)).collect())
}

/// Binds a thread (0: this one) to a core; threads and processes that it starts from then on as well.
pub(crate) fn bind(thread: u32, core: usize) -> anyhow::Result<()> {
    let mut set = CpuSet::new();
    set.set(core).with_context(|| format!("there is no core {core}"))?;
    sched_setaffinity(Pid::from_raw(thread.cast_signed()), &set).with_context(|| format!("cannot use core {core}"))
}

/// Binds a running process and its descendants to a core. Each has one thread.
pub(crate) fn bind_tree(pid: u32, core: usize) -> anyhow::Result<()> {
    tree(pid).into_iter().try_for_each(|member| bind(member, core))
}

/// This thread on one core, until dropped.
#[derive(Debug)]
pub(crate) struct Bound(CpuSet);

impl Bound {
    pub(crate) fn to(core: usize) -> anyhow::Result<Self> {
        let before = sched_getaffinity(Pid::from_raw(0)).context("cannot ask for the cores")?;
        bind(0, core)?;
        Ok(Self(before))
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        // What was allowed a moment ago is allowed still.
        let _ = sched_setaffinity(Pid::from_raw(0), &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_does_not_confuse() {
        let text = "42 (a) b) (c) S 7 42 42 0 -1 4194304 1 2 3 4 100 20 3 4 20 0 1 0 55 1 1 1";
        assert_eq!(parse_stat(text), Some(Stat { parent: 7, ticks: 127, reaped_ticks: 7 }));
        assert_eq!(parse_stat("42 (cut"), None);
        assert_eq!(parse_resident("VmSize:\t1 kB\nVmRSS:\t  512 kB\n"), Some(512));
    }

    #[test]
    fn we_are_a_tree_that_uses_memory() {
        let pid = std::process::id();
        assert!(tree(pid).contains(&pid));
        assert!(resident_kib(pid).unwrap() > 100);
        cpu_of_tree(pid).unwrap();
    }

    #[test]
    fn a_bound_thread_is_free_again_afterwards() {
        let before = allowed().unwrap();
        let cores = Cores::pick().unwrap();
        {
            let _bound = Bound::to(cores.driver).unwrap();
            assert_eq!(allowed().unwrap(), [cores.driver]);
        }
        assert_eq!(allowed().unwrap(), before);
    }
}
