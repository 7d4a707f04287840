//! The table in `chart/README.md` says all that values may say. `UPDATE=1` writes it anew.

use std::fs;

use sc_tests::{golden, tree, values_page};

#[test]
fn the_table_of_values_is_in_step_with_the_chart() {
    golden::compare_one(&tree("chart"), "README.md", &values_page::readme());
}

#[test]
fn each_connection_field_of_the_schema_has_a_row() {
    let schema: serde_json::Value = serde_yaml::from_str(&fs::read_to_string(tree("chart/values.schema.json")).unwrap()).unwrap();
    let page = values_page::readme();
    let fields = schema["definitions"]["connection"]["properties"].as_object().unwrap().keys();
    let missing: Vec<_> = fields.filter(|field| !page.contains(&format!("\n| `connections[].{field}` | "))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
