//! Asterisk's outbound WebSockets.
