//! Masked COPY in encodings other than UTF8: every cell but the masked ones is what the server sends, byte by byte.

use anyhow::Result;
use gatewright_harness::Version;
use gatewright_tests::raw::{self, Client};

use crate::world::World;

on_each_version!(other_cells_are_copied_as_they_come);

/// The bytes of the copied rows, or the SQLSTATE.
fn copied(client: &mut Client, bytes: &[u8]) -> Result<Result<Vec<u8>, String>> {
    client.send(bytes)?;
    let replies = client.until_ready()?;
    if let Some(error) = raw::error(&replies) {
        return Ok(Err(error[&'C'].clone()));
    }
    let data = replies.iter().filter(|message| message.tag == b'd');
    Ok(Ok(data.flat_map(|message| message.body.clone()).collect()))
}

fn other_cells_are_copied_as_they_come(version: Version) -> Result<()> {
    let settings = "[mask-columns]\nwhere = \"result\"\ncolumns = [{ column = \"public.people.email\", method = \"redact\" }]\n";
    let world = World::of_version(version, "copy_encodings", &["mask-columns"], settings)?;
    world.prepare(
        "CREATE TABLE people (id int, name text, email text, note text);
         INSERT INTO people VALUES (1, 'plain', 'secret', E'a|b\\\\c\\td'), (2, NULL, 'secret', ''), (3, '', NULL, NULL)",
    )?;
    // What the server would send if it had masked the column itself.
    let masked = "SELECT id, name, CASE WHEN email IS NOT NULL THEN '[redacted]' END AS email, note FROM people ORDER BY id";
    let plain = "SELECT id, name, email, note FROM people ORDER BY id";
    let mut direct = Client::connect(&world.direct)?;
    let mut through = world.client()?;
    let find = "SELECT email FROM people WHERE id = 1";
    let shown = copied(
        &mut through,
        &raw::query(&format!("COPY ({find}) TO STDOUT")),
    )?
    .map_err(anyhow::Error::msg)?;
    let shown = String::from_utf8(shown)?.trim_end().to_owned();
    let masked = masked.replace("[redacted]", &shown);
    for (encoding, text) in [
        ("LATIN1", "é|\u{e9}\\"),
        ("WIN1251", "Жук"),
        ("KOI8R", "Жук|"),
        // The second byte is a backslash, a vertical bar or a letter.
        ("SJIS", "ソ表|ポ"),
        ("BIG5", "功許|蓋"),
        ("GBK", "乗亅|中"),
        ("GB18030", "乗中|"),
        ("UHC", "한글|"),
        ("EUC_JP", "日本|"),
        ("EUC_KR", "한글"),
        ("EUC_CN", "中文|"),
    ] {
        world.prepare(&format!(
            "UPDATE people SET note = '{text}', name = '{text}|' WHERE id IN (1, 2)"
        ))?;
        for options in [
            "",
            ", DELIMITER '|'",
            ", FORMAT csv",
            ", FORMAT csv, DELIMITER '|', HEADER, FORCE_QUOTE *",
            ", NULL 'x'",
        ] {
            let copy =
                |query: &str| format!("COPY ({query}) TO STDOUT (ENCODING '{encoding}'{options})");
            let expected = copied(&mut direct, &raw::query(&copy(&masked)))?;
            let simple = copied(&mut through, &raw::query(&copy(plain)))?;
            assert_eq!(simple, expected, "{encoding}{options}");
            let extended = [raw::extended(&copy(plain), &[], 0), raw::sync()].concat();
            assert_eq!(
                copied(&mut through, &extended)?,
                expected,
                "{encoding}{options}"
            );
            assert!(expected.is_ok_and(|data| data.len() > 20));
        }
    }
    for (options, state) in [
        ("ENCODING 'JOHAB'", "0A000"),
        ("ENCODING 'LATIN1', FORMAT binary", "0A000"),
        // The server itself cannot convert it.
        ("ENCODING 'LATIN1'", "22P05"),
    ] {
        let refused = copied(
            &mut through,
            &raw::query(&format!("COPY people TO STDOUT ({options})")),
        )?;
        assert_eq!(refused, Err(state.to_owned()), "{options}");
    }
    Ok(())
}
