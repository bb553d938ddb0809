//! SMTP submission (RFC 6409): from AUTH to a message that is kept.
