//! The work of a session grows as what its client sends does. Work is counted in instructions.

use bytes::BytesMut;
use gatewright_harness::work;
use gatewright_wire::backend::TransactionStatus;
use gatewright_wire::build;
use gatewright_wire::frontend::Subject;

use super::play::*;

/// How many statements a pipeline has. What is outstanding must stay below the bound at which a client waits.
const SIZES: [usize; 3] = [150, 600, 2_400];

/// How much more the work may grow than the pipeline, from the second size to the third. A square would be four.
const MOST: f64 = 1.3;

/// The name of the function whose work is counted.
const FUNCTION: &str = "gatewright::session::tests::growth::counted";

/// One pipeline after the other, with as many statements as its number says.
type Pipeline = fn(&mut BytesMut, &mut BytesMut, usize);

const PIPELINES: [(&str, Pipeline); 3] = [
    ("a prepared statement", of_one_statement),
    ("named portals", of_portals),
    ("statements of their own", of_statements),
];

fn of_one_statement(client: &mut BytesMut, server: &mut BytesMut, count: usize) {
    for _ in 0..count {
        build::bind(client, "", "s", &[], &[], &[]).expect("a Bind");
        build::describe(client, Subject::Portal("")).expect("a Describe");
        build::execute(client, "", 0).expect("an Execute");
        build::bind_complete(server);
        row_description(server, "a");
        row(server);
        complete(server);
    }
}

fn of_portals(client: &mut BytesMut, server: &mut BytesMut, count: usize) {
    for number in 0..count {
        let name = format!("p{number}");
        build::bind(client, &name, "s", &[], &[], &[]).expect("a Bind");
        build::execute(client, &name, 0).expect("an Execute");
        build::bind_complete(server);
        row(server);
        complete(server);
    }
}

fn of_statements(client: &mut BytesMut, server: &mut BytesMut, count: usize) {
    for _ in 0..count {
        parse("", "select 1")(client);
        bind(client, "");
        build::execute(client, "", 0).expect("an Execute");
        build::parse_complete(server);
        build::bind_complete(server);
        row(server);
        complete(server);
    }
}

/// What is counted.
#[inline(never)]
fn counted(play: &mut Play, client: &BytesMut, server: &BytesMut) {
    play.client(|out| out.extend_from_slice(client));
    play.server(|out| out.extend_from_slice(server));
}

/// Run by the next one, under callgrind, which notes what each call of `counted` takes.
#[test]
#[ignore = "run by `work_grows_as_a_pipeline_does`"]
fn each_pipeline_in_each_size() {
    for (_, pipeline) in PIPELINES {
        for size in SIZES {
            let mut play = Play::new();
            play.prepare("s", "select 1");
            let (mut client, mut server) = (BytesMut::new(), BytesMut::new());
            pipeline(&mut client, &mut server, size);
            build::sync(&mut client);
            build::ready_for_query(&mut server, TransactionStatus::Idle);
            counted(&mut play, &client, &server);
            assert_eq!(play.replied().last().map(String::as_str), Some("ZI"));
        }
    }
}

#[test]
fn work_grows_as_a_pipeline_does() {
    let test = "session::tests::growth::each_pipeline_in_each_size";
    let counts = work::of_calls(FUNCTION, test).expect("counts");
    assert_eq!(counts.len(), PIPELINES.len() * SIZES.len());
    for ((name, _), counts) in PIPELINES.iter().zip(counts.chunks(SIZES.len())) {
        let growth = work::growth(counts, SIZES.map(|size| size as f64));
        assert!(growth.expect("three counts") <= MOST, "{name}: {counts:?}");
    }
}
