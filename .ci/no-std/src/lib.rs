#![no_std]
use core::panic::PanicInfo;

use {auth_sasl as _, imap4_proto as _, mail_wire as _, pop3_proto as _, smtp_submit_proto as _};

#[global_allocator]
static ALLOCATOR: linked_list_allocator::LockedHeap = linked_list_allocator::LockedHeap::empty();

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}
