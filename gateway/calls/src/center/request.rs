//! What Asterisk and the recorder are asked for.

use std::net::SocketAddr;

use trunkline_db::{CallId, RecordingId};

use crate::flow::walk::Media;
use crate::model::Server;
use crate::names::Side;

/// A request to Asterisk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Makes a mixing bridge.
    CreateBridge {
        /// Its id.
        bridge: String,
    },
    /// Removes a bridge.
    DestroyBridge {
        /// Its id.
        bridge: String,
    },
    /// Answers a channel.
    Answer {
        /// Its id.
        channel: String,
    },
    /// Plays music to a channel.
    StartMusic {
        /// Its id.
        channel: String,
    },
    /// Plays sounds to a channel, one after the other.
    Play {
        /// Its id.
        channel: String,
        /// The playback's id.
        playback: String,
        /// What.
        sounds: Vec<Media>,
    },
    /// Writes what a caller says into a file of Asterisk's, until they press a key, say nothing for long, or the time is up.
    TakeMessage {
        /// The channel.
        channel: String,
        /// The recording's name.
        name: String,
        /// How long it may be, in seconds.
        max_seconds: u32,
    },
    /// Ends what is being played before its time.
    StopPlayback {
        /// Its id.
        playback: String,
    },
    /// Stops the music.
    StopMusic {
        /// Its id.
        channel: String,
    },
    /// Puts channels into a bridge.
    AddChannels {
        /// The bridge's id.
        bridge: String,
        /// The channels' ids.
        channels: Vec<String>,
    },
    /// Takes channels out of a bridge; they stay ours.
    RemoveChannels {
        /// The bridge's id.
        bridge: String,
        /// The channels' ids.
        channels: Vec<String>,
    },
    /// Lets nobody hear a channel.
    Mute {
        /// Its id.
        channel: String,
    },
    /// Lets it be heard again.
    Unmute {
        /// Its id.
        channel: String,
    },
    /// Sends tones to a channel.
    Dtmf {
        /// Its id.
        channel: String,
        /// Which.
        digits: String,
    },
    /// Rings a phone; its channel enters our application when it is answered.
    Originate {
        /// The new channel's id.
        channel: String,
        /// The phone's user name.
        username: String,
        /// The server at which it is signed in.
        at: Server,
        /// The number shown on the phone.
        caller: String,
        /// How long Asterisk itself lets it ring, in seconds: a net beneath our own timer.
        timeout_s: u32,
        /// The channel it is rung for; none where the phone is the first of its call.
        originator: Option<String>,
        /// The call, told to the phone so that a panel knows which one rings.
        call: CallId,
        /// The queue it came by, for the phone's display.
        queue: Option<String>,
        /// Whether the phone answers by itself, and why.
        answers: Answers,
    },
    /// Makes a leg to the outside world, in our application and not yet dialled, so that what the network says before the answer is heard.
    CreateTrunkLeg {
        /// Its id.
        channel: String,
        /// Asterisk's dial string.
        endpoint: String,
        /// The number that is shown to who is called.
        caller_id: Option<String>,
        /// The channel it is dialled for.
        originator: String,
    },
    /// Dials such a leg.
    Dial {
        /// Its id.
        channel: String,
        /// How long Asterisk itself lets it ring, in seconds: a net beneath our own timer.
        timeout_s: u32,
    },
    /// Lets a channel hear that it rings on the other side.
    Ring {
        /// Its id.
        channel: String,
    },
    /// Ends that.
    StopRing {
        /// Its id.
        channel: String,
    },
    /// Hangs a channel up. That it is gone already is success.
    Hangup {
        /// Its id.
        channel: String,
        /// Why.
        why: HangupWhy,
    },
    /// Tells a phone that asked to hand its call on what became of it.
    Referred {
        /// The channel's id.
        channel: String,
        /// Whether somebody has the call.
        done: bool,
    },
    /// Taps one side of a channel.
    Snoop {
        /// The channel listened to.
        channel: String,
        /// The new snoop channel's id.
        snoop: String,
        /// Which side.
        side: Side,
    },
    /// Makes a channel through which somebody takes part in another one's talk without being in its bridge.
    Spy {
        /// The channel that is listened to.
        channel: String,
        /// The new channel's id.
        snoop: String,
        /// Whether what is said on it and to it is heard.
        hears: bool,
        /// Whether what is said is heard on it, and by it alone.
        speaks: bool,
    },
    /// Makes a channel that sends its audio to our media socket.
    SendMedia {
        /// Its id.
        channel: String,
    },
    /// Asks from which address such a channel sends.
    MediaSource {
        /// Its id.
        channel: String,
    },
    /// Hands a channel back to the dialplan.
    Continue {
        /// Its id.
        channel: String,
        /// Where to.
        context: &'static str,
        /// Which extension.
        extension: String,
    },
}

/// Whether a phone that is rung answers by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Answers {
    /// Somebody picks it up.
    #[default]
    ByHand,
    /// It asked to be put back into its running call.
    Reattached,
    /// Who has it wants to call, and asked for this.
    ToDial,
}

/// Why we hang a channel up: the caller's phone shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HangupWhy {
    /// The call is over.
    Normal,
    /// No such number.
    Unallocated,
    /// The time to answer was up, or the caller gave up.
    NoAnswer,
    /// Another phone was picked up: this one counts no missed call.
    AnsweredElsewhere,
    /// Who is called is in another call.
    Busy,
    /// We can't.
    Congestion,
    /// We won't.
    Rejected,
}

/// What a request brought back, where it brings something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// Done.
    Done,
    /// The address a media channel sends from.
    Source(SocketAddr),
}

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// What it was for is gone.
    Gone,
    /// Asterisk said no.
    Refused(String),
    /// The connection is away, or the answer did not come: whether it was done will be seen in the next snapshot.
    Unknown(String),
}

/// What to do with a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecorderCommand {
    /// Begin, or go on in the file that an earlier life of the gateway began.
    Start {
        /// The recording.
        recording: RecordingId,
        /// The file, relative to the recordings folder.
        path: String,
        /// Where the agents' side comes from.
        agent: SocketAddr,
        /// Where the customer's side comes from.
        customer: SocketAddr,
        /// Go on in an existing file.
        resume: bool,
    },
    /// Write silence until told otherwise.
    Pause {
        /// The recording.
        recording: RecordingId,
    },
    /// Write what is said again.
    Resume {
        /// The recording.
        recording: RecordingId,
    },
    /// Close it. Answered by [`Input::Recorded`].
    Finish {
        /// The recording.
        recording: RecordingId,
        /// The file, in case no recorder is running: then what is on disk is repaired.
        path: String,
    },
}
