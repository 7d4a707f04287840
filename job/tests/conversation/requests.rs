//! How many requests a run makes: no more than was promised, and no more and no fewer than it made before.

use serde_json::{Value, json};

use crate::sets::{in_sets, put_set};
use crate::world::{Ended, World, but, orders};

/// What the requests of a run were for this many connections of two sets, which all refer to one Secret. When that changes by more than 5 %, so
/// does the API server's work, and this number with a reason.
const CONNECTIONS: usize = 1200;
const FIRST_INSTALL: usize = 1218;
const RERUN: usize = 20;
const SETS: usize = 2;
const REFERENCED: usize = 1;
const PAGES: usize = 1;

fn many() -> World {
    let connection = |number: usize| but(orders(), &json!({"name": format!("many{number}")}));
    let (shop, more): (Vec<usize>, Vec<usize>) = (0..CONNECTIONS).partition(|number| number % 2 == 0);
    let world = in_sets(&[], &shop.into_iter().map(connection).collect::<Vec<Value>>(), &[]);
    let more: Vec<Value> = more.into_iter().map(|number| but(connection(number), &json!({"namespace": "media"}))).collect();
    put_set(&world, crate::sets::MEDIA, &json!(more).to_string());
    world
}

fn assert_count(ended: &Ended, objects: usize, before: usize) {
    let count = ended.lines().len();
    assert!(count <= objects + REFERENCED + 2 * SETS + PAGES + 20, "{count} requests are more than was promised");
    assert!(count.abs_diff(before) * 20 <= before, "{count} requests, and {before} before");
}

#[tokio::test(start_paused = true)]
async fn a_first_install_and_a_rerun_make_as_many_requests_as_before() {
    let world = many();
    let first = world.run().await;
    assert_eq!(first.code, Ok(0));
    assert_count(&first, CONNECTIONS, FIRST_INSTALL);
    let again = world.run().await;
    assert_eq!((again.code.clone(), again.written()), (Ok(0), vec![]));
    assert_count(&again, CONNECTIONS, RERUN);
}
