//! Errors skipped, put aside, or too many.

use birl_stream::OnError;
use birl_stream::prelude::*;
use birl_stream::testing::check_fused;
use futures::FutureExt;
use proptest::prelude::*;
use tokio::sync::mpsc;

use crate::probe::current_thread;

type Item = Result<u8, u8>;

/// The values up to an error too many in a row, the errors before that one, and that one.
fn model(items: &[Item], max_in_a_row: usize) -> (Vec<u8>, Vec<u8>, Option<u8>) {
    let (mut values, mut errors, mut in_a_row) = (Vec::new(), Vec::new(), 0);
    for item in items {
        match *item {
            Ok(value) => {
                in_a_row = 0;
                values.push(value);
            }
            Err(error) if in_a_row == max_in_a_row => return (values, errors, Some(error)),
            Err(error) => {
                in_a_row += 1;
                errors.push(error);
            }
        }
    }
    (values, errors, None)
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    prop::collection::vec(any::<Item>(), 0..30)
}

proptest! {
    #[test]
    fn errors_are_skipped_until_too_many_follow_each_other(items in items(), max in 0_usize..4) {
        let policy = match max {
            0 => OnError::Stop,
            max_in_a_row => OnError::Skip { max_in_a_row },
        };
        let mut stream = birl_stream::iter(items.clone()).on_error(policy);
        let values: Vec<u8> = current_thread().block_on((&mut stream).collect());
        let (expected, skipped, error) = model(&items, max);
        prop_assert_eq!(values, expected);
        prop_assert_eq!(stream.skipped(), skipped.len() as u64);
        prop_assert_eq!(stream.error(), error.as_ref());
        prop_assert_eq!(stream.into_error(), error);
    }

    #[test]
    fn dead_letters_arrive_in_order_whatever_room_there_is(
        items in items(),
        max_in_a_row in 1_usize..4,
        room in 1_usize..3,
    ) {
        let (to, mut letters) = mpsc::channel(room);
        let policy = OnError::DeadLetter { to, max_in_a_row };
        let stream = birl_stream::iter(items.clone()).on_error(policy);
        let read = async {
            let mut read = Vec::new();
            while let Some(letter) = letters.recv().await {
                tokio::task::yield_now().await;
                read.push(letter);
            }
            read
        };
        let (values, letters) = current_thread().block_on(async { tokio::join!(check_fused(stream), read) });
        let (expected, errors, _) = model(&items, max_in_a_row);
        prop_assert_eq!((values, letters), (expected, errors));
    }
}

#[tokio::test]
async fn a_full_channel_is_waited_for_and_the_upstream_is_not_polled() {
    let (to, mut letters) = mpsc::channel(1);
    let policy = OnError::DeadLetter {
        to,
        max_in_a_row: 10,
    };
    let mut pulled = 0;
    let items = [Err(1), Err(2), Ok(3)];
    let items = birl_stream::iter(items).inspect(|_| pulled += 1);
    let mut values = Box::pin(items.on_error(policy));
    assert_eq!(values.next().now_or_never(), None);
    assert_eq!(values.next().now_or_never(), None);
    assert_eq!(letters.recv().await, Some(1));
    assert_eq!(values.next().await, Some(3));
    assert_eq!(letters.recv().await, Some(2));
    drop(values);
    assert_eq!(pulled, 3);
}

#[tokio::test]
async fn letters_that_nobody_reads_are_skipped() {
    let (to, letters) = mpsc::channel(1);
    drop(letters);
    let policy = OnError::DeadLetter {
        to,
        max_in_a_row: 10,
    };
    let mut stream = birl_stream::iter([Err(1), Ok(2), Err(3)]).on_error(policy);
    assert_eq!((&mut stream).collect::<Vec<_>>().await, [2]);
    assert_eq!((stream.skipped(), stream.error()), (2, None));
}
