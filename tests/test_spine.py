def test_overview(demo):
    answer = demo.ask(asof_date="2013-03-01")

    assert answer.status_code == 200, answer.content[:2000]
    assert answer.json()["result"]["valued_positions"]["total_value"] == "756411.71"
