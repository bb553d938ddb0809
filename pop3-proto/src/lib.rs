#![no_std]
extern crate alloc;
mod encode; mod grammar; mod types;
pub use encode::Encoder; pub use types::*;
impl<'a> Command<'a> {
 /// x
 pub fn parse(line: &'a [u8], tolerance: Tolerance) -> Result<Self, SyntaxError> { grammar::command(line, tolerance) }
}
