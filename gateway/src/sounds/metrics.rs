//! Figures of sounds.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounterVec, Opts, Registry};

/// Seconds that a program speaks for: espeak-ng takes tens of milliseconds, a large model seconds.
const BUCKETS: &[f64] = &[0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0];
/// Outcomes of speech.
const SPEECH: [&str; 4] = ["spoken", "cached", "failed", "busy"];
/// Why a sound of a call was left out.
const SKIPPED: [&str; 4] = ["no_sound", "no_file", "not_spoken", "too_late"];
/// Outcomes of Asterisk's requests.
const FETCHED: [&str; 4] = ["given", "forged", "gone", "failed"];

/// Figures of sounds. Labels are closed sets.
#[derive(Debug, Clone)]
pub(crate) struct SoundMetrics {
    speech: IntCounterVec,
    seconds: Histogram,
    skipped: IntCounterVec,
    fetched: IntCounterVec,
}

impl SoundMetrics {
    /// With all at nought, seen by nobody yet.
    ///
    /// # Panics
    /// When a name is none: a mistake in the code, found at the first start.
    pub(super) fn new() -> Self {
        let counters = |name: &str, help: &str, label: &str, values: &[&str]| {
            let counters = IntCounterVec::new(Opts::new(name, help), &[label]).expect("the name is a name");
            for value in values {
                counters.with_label_values(&[value]);
            }
            counters
        };
        let seconds = HistogramOpts::new("trunkline_speech_seconds", "How long it took to speak a text that was new.");
        Self {
            speech: counters(
                "trunkline_speech_total",
                "Texts to be spoken, by outcome: spoken, cached (it was there already), failed, busy (too many were waiting).",
                "outcome",
                &SPEECH,
            ),
            seconds: Histogram::with_opts(seconds.buckets(BUCKETS.to_vec())).expect("the name is a name"),
            skipped: counters(
                "trunkline_sounds_skipped_total",
                "Sounds that a caller should have heard and did not, by why: no_sound (there is none of this id), no_file (it has no file), not_spoken (speech_command failed), too_late (it took too long to speak).",
                "reason",
                &SKIPPED,
            ),
            fetched: counters(
                "trunkline_sounds_fetched_total",
                "Sounds that Asterisk asked for, by outcome: given, forged (the signature is not ours), gone (the file is not there any more), failed (the store of files does not answer).",
                "outcome",
                &FETCHED,
            ),
        }
    }

    /// Shows them.
    ///
    /// # Panics
    /// When a name is taken: a mistake in the code, found at the first start.
    pub(super) fn register(&self, registry: &Registry) {
        for counters in [&self.speech, &self.skipped, &self.fetched] {
            registry.register(Box::new(counters.clone())).expect("every metric has a name of its own");
        }
        registry.register(Box::new(self.seconds.clone())).expect("every metric has a name of its own");
    }

    pub(super) fn speech(&self, outcome: &str) {
        self.speech.with_label_values(&[outcome]).inc();
    }

    pub(super) fn spoken(&self, took: Duration, well: bool) {
        self.seconds.observe(took.as_secs_f64());
        self.speech(if well { "spoken" } else { "failed" });
    }

    pub(super) fn skipped(&self, reason: &str) {
        self.skipped.with_label_values(&[reason]).inc();
    }

    pub(super) fn fetched(&self, outcome: &str) {
        self.fetched.with_label_values(&[outcome]).inc();
    }
}
