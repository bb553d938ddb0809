use std::{any::Any, time::Duration};

use bytes::Bytes;

use crate::{
    AppendOutcome, Body, BoxFuture, Delivery, Hint, Recipient, Result, Staged, Submission, Submitted, Watch,
};

pub(super) trait DynBody: Send {
    fn len(&self) -> u64;
    fn read_at<'a>(&'a mut self, offset: u64, max: usize) -> BoxFuture<'a, Result<Bytes>>;
}

impl<T: Body> DynBody for T {
    fn len(&self) -> u64 {
        Body::len(self)
    }
    fn read_at<'a>(&'a mut self, offset: u64, max: usize) -> BoxFuture<'a, Result<Bytes>> {
        Box::pin(Body::read_at(self, offset, max))
    }
}

pub(super) trait DynStaged: Send {
    fn write<'a>(&'a mut self, chunk: &'a [u8]) -> BoxFuture<'a, Result<()>>;
    fn finish<'a>(&'a mut self) -> BoxFuture<'a, Result<u64>>;
    /// The way back to the store's own type, for `commit`.
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}

impl<T: Staged> DynStaged for T {
    fn write<'a>(&'a mut self, chunk: &'a [u8]) -> BoxFuture<'a, Result<()>> {
        Box::pin(Staged::write(self, chunk))
    }
    fn finish<'a>(&'a mut self) -> BoxFuture<'a, Result<u64>> {
        Box::pin(Staged::finish(self))
    }
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

pub(super) trait DynDelivery: Send {
    fn write<'a>(&'a mut self, chunk: &'a [u8]) -> BoxFuture<'a, Result<()>>;
    fn commit<'a>(self: Box<Self>, to: &'a [Recipient]) -> BoxFuture<'a, Vec<Result<AppendOutcome>>>;
    fn submit<'a>(self: Box<Self>, to: &'a [Recipient], what: Submission) -> BoxFuture<'a, Submitted>;
}

impl<T: Delivery> DynDelivery for T {
    fn write<'a>(&'a mut self, chunk: &'a [u8]) -> BoxFuture<'a, Result<()>> {
        Box::pin(Delivery::write(self, chunk))
    }
    fn commit<'a>(self: Box<Self>, to: &'a [Recipient]) -> BoxFuture<'a, Vec<Result<AppendOutcome>>> {
        Box::pin(Delivery::commit(*self, to))
    }
    fn submit<'a>(self: Box<Self>, to: &'a [Recipient], what: Submission) -> BoxFuture<'a, Submitted> {
        Box::pin(Delivery::submit(*self, to, what))
    }
}

pub(super) trait DynWatch: Send {
    fn changed<'a>(&'a mut self) -> BoxFuture<'a, Result<Hint>>;
    fn poll_every(&self) -> Option<Duration>;
}

impl<T: Watch> DynWatch for T {
    fn changed<'a>(&'a mut self) -> BoxFuture<'a, Result<Hint>> {
        Box::pin(Watch::changed(self))
    }
    fn poll_every(&self) -> Option<Duration> {
        Watch::poll_every(self)
    }
}
