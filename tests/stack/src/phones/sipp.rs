//! SIPp as a trunk: it calls a number, plays a tone, and says how the call went.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::audio::{mu_law, tone};
use crate::error::{IoContext, Result, StackError};
use crate::files;
use crate::ports::Ports;
use crate::process::{Process, ProcessSpec, status_words};

/// Longer than a key is held down, so that the next is another one.
const BETWEEN_KEYS_MS: u32 = 300;

/// A call, or a load of them.
#[derive(Debug, Clone)]
pub struct SippCall {
    /// The SIP server's port on this machine.
    pub sip_port: u16,
    /// Number called.
    pub to: String,
    /// Number calling.
    pub from: String,
    /// How long it talks before it hangs up; ends earlier when the far side does.
    pub talk: Duration,
    /// How long it waits for the answer.
    pub patience: Duration,
    /// The tone it plays, in Hz.
    pub tone_hz: u32,
    /// Keys it presses once it is answered, one after the other, each as an INFO.
    pub keys: String,
    /// How many calls in all.
    pub calls: u32,
    /// New calls per second.
    pub rate: u32,
}

impl SippCall {
    /// One call.
    pub fn new(sip_port: u16, to: &str, talk: Duration) -> Self {
        Self {
            sip_port,
            to: to.to_owned(),
            from: "+15557654321".to_owned(),
            talk,
            patience: Duration::from_mins(1),
            tone_hz: 440,
            keys: String::new(),
            calls: 1,
            rate: 1,
        }
    }
}

/// How it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SippResult {
    /// Calls that went as the scenario says.
    pub succeeded: u32,
    /// Calls that did not.
    pub failed: u32,
    /// What SIPp complained of.
    pub errors: String,
}

/// A running SIPp; dropping it ends it.
#[derive(Debug)]
pub struct Sipp {
    dir: PathBuf,
    calls: u32,
    limit: Duration,
    process: Process,
}

impl Sipp {
    /// Starts calling, with its files in `dir`.
    pub fn start(dir: &Path, call: &SippCall) -> Result<Self> {
        files::private_dir(dir)?;
        let samples: Vec<u8> = tone(f64::from(call.tone_hz), 8_000, 2.0).into_iter().map(mu_law).collect();
        // Two seconds hold a whole number of periods, so that the loop has no click.
        fs::write(dir.join("tone.ulaw"), samples).context(|| format!("cannot write in {}", dir.display()))?;
        files::write_private(&dir.join("call.xml"), &scenario(call))?;
        for name in ["errors.log", "stat.csv"] {
            let _absent = fs::remove_file(dir.join(name));
        }
        let (sip, rtp) = (Ports::free()?.to_string(), Ports::free()?.to_string());
        let limit = call.patience + call.talk + Duration::from_secs(u64::from(call.calls / call.rate.max(1)) + 30);
        let words: Vec<String> = [
            "sipp",
            &format!("127.0.0.1:{}", call.sip_port),
            "-sf",
            "call.xml",
            "-s",
            &call.to,
            "-i",
            "127.0.0.1",
            "-p",
            &sip,
            "-mi",
            "127.0.0.1",
            "-mp",
            &rtp,
            "-m",
            &call.calls.to_string(),
            "-r",
            &call.rate.to_string(),
            "-key",
            "caller",
            &call.from,
            "-nostdin",
            "-trace_err",
            "-error_file",
            "errors.log",
            "-trace_stat",
            "-stf",
            "stat.csv",
            "-fd",
            "1",
            "-timeout",
            &format!("{}s", limit.as_secs()),
            "-timeout_error",
        ]
        .map(str::to_owned)
        .to_vec();
        // SIPp writes no dots and needs no terminal size when TERM is unset.
        let process = ProcessSpec::new("sipp", words, dir, &dir.join("log")).env("TERM", "dumb").start()?;
        Ok(Self { dir: dir.to_owned(), calls: call.calls, limit, process })
    }

    /// Waits for the end of all calls.
    pub async fn wait(mut self) -> Result<SippResult> {
        let ended = self.process.wait(self.limit + Duration::from_secs(5)).await;
        let status = ended.ok_or_else(|| StackError::NotReady {
            name: "sipp".to_owned(),
            waited: self.limit,
            log_tail: files::tail(&self.dir.join("log"), 20),
        })?;
        let errors = fs::read_to_string(self.dir.join("errors.log")).unwrap_or_default();
        // 0: all calls went well; 1: one at least did not. Everything else is about SIPp itself.
        match status.code() {
            Some(0) => Ok(SippResult { succeeded: self.calls, failed: 0, errors }),
            Some(1) => {
                let (succeeded, failed) = counts(&fs::read_to_string(self.dir.join("stat.csv")).unwrap_or_default())
                    .unwrap_or((0, self.calls));
                Ok(SippResult { succeeded, failed, errors })
            }
            _ => Err(StackError::Ended {
                name: "sipp".to_owned(),
                status: status_words(status),
                log_tail: format!("{errors}{}", files::tail(&self.dir.join("log"), 10)),
            }),
        }
    }

    /// The process: to kill it in the middle of a call.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// Successful and failed calls of a statistics file: its last line, by the names of its first.
fn counts(csv: &str) -> Option<(u32, u32)> {
    let names: Vec<&str> = csv.lines().next()?.split(';').collect();
    let last: Vec<&str> = csv.lines().last()?.split(';').collect();
    let of = |name: &str| last.get(names.iter().position(|known| *known == name)?)?.trim().parse().ok();
    Some((of("SuccessfulCall(C)")?, of("FailedCall(C)")?))
}

/// A key (RFC 6086, with the body that Asterisk takes), a moment after what came before it.
fn key(key: char, cseq: usize) -> String {
    format!(
        r#"  <pause milliseconds="{BETWEEN_KEYS_MS}" />
  <send retrans="500">
    <![CDATA[
      INFO [next_url] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      [routes]
      From: <sip:[caller]@[local_ip]:[local_port]>;tag=[call_number]
      [last_To:]
      Call-ID: [call_id]
      CSeq: {cseq} INFO
      Max-Forwards: 70
      Content-Type: application/dtmf-relay
      Content-Length: [len]

      Signal={key}
      Duration=100
    ]]>
  </send>
  <recv response="200" />
"#
    )
}

/// A caller's side of a call (RFC 3261 section 13, with the tone of `rtp_stream`).
fn scenario(call: &SippCall) -> String {
    let talk_ms = call.talk.as_millis();
    let patience_ms = call.patience.as_millis();
    let keys: String = call.keys.chars().zip(2..).map(|(digit, cseq)| key(digit, cseq)).collect();
    let bye = call.keys.chars().count() + 2;
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<scenario name="caller">
  <send retrans="500">
    <![CDATA[
      INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:[caller]@[local_ip]:[local_port]>;tag=[call_number]
      To: <sip:[service]@[remote_ip]:[remote_port]>
      Call-ID: [call_id]
      CSeq: 1 INVITE
      Contact: <sip:[caller]@[local_ip]:[local_port]>
      Max-Forwards: 70
      Allow: INVITE, ACK, BYE, CANCEL, OPTIONS
      Content-Type: application/sdp
      Content-Length: [len]

      v=0
      o=caller 53655765 2353687637 IN IP[local_ip_type] [local_ip]
      s=-
      c=IN IP[media_ip_type] [media_ip]
      t=0 0
      m=audio [rtpstream_audio_port] RTP/AVP 0 101
      a=rtpmap:0 PCMU/8000
      a=rtpmap:101 telephone-event/8000
      a=fmtp:101 0-15
      a=sendrecv
    ]]>
  </send>
  <recv response="100" optional="true" />
  <recv response="180" optional="true" />
  <recv response="183" optional="true" />
  <recv response="200" rrs="true" timeout="{patience_ms}" />
  <send>
    <![CDATA[
      ACK [next_url] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      [routes]
      From: <sip:[caller]@[local_ip]:[local_port]>;tag=[call_number]
      [last_To:]
      Call-ID: [call_id]
      CSeq: 1 ACK
      Max-Forwards: 70
      Content-Length: 0
    ]]>
  </send>
  <nop><action><exec rtp_stream="tone.ulaw,-1,0,PCMU/8000" /></action></nop>
{keys}  <recv request="BYE" timeout="{talk_ms}" ontimeout="hang_up" next="far_side" />
  <label id="hang_up" />
  <send retrans="500">
    <![CDATA[
      BYE [next_url] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      [routes]
      From: <sip:[caller]@[local_ip]:[local_port]>;tag=[call_number]
      [last_To:]
      Call-ID: [call_id]
      CSeq: {bye} BYE
      Max-Forwards: 70
      Content-Length: 0
    ]]>
  </send>
  <recv response="200" next="over" />
  <label id="far_side" />
  <send>
    <![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:]
      [last_Call-ID:]
      [last_CSeq:]
      Content-Length: 0
    ]]>
  </send>
  <label id="over" />
  <nop><action><exec rtp_stream="pause" /></action></nop>
</scenario>
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_are_found_by_their_names() {
        assert_eq!(counts("a;SuccessfulCall(C);b;FailedCall(C);\n1;0;2;0;\n1;3;2;1;\n"), Some((3, 1)));
        assert_eq!(counts("a;b\n1;2\n"), None);
    }

    #[test]
    fn requests_of_a_call_are_counted_on() {
        let mut call = SippCall::new(5060, "+15550100", Duration::from_secs(1));
        let cseqs = |call: &SippCall| -> Vec<String> {
            scenario(call).lines().filter_map(|line| Some(line.trim().strip_prefix("CSeq: ")?.to_owned())).collect()
        };
        assert_eq!(cseqs(&call), ["1 INVITE", "1 ACK", "2 BYE"]);
        "3#".clone_into(&mut call.keys);
        assert_eq!(cseqs(&call), ["1 INVITE", "1 ACK", "2 INFO", "3 INFO", "4 BYE"]);
        assert!(scenario(&call).contains("Signal=#\n"));
    }
}
