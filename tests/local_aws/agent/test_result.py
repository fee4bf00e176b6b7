"""What the agent reports: its output is cut as the agent cuts it."""

from local_aws.agent.result import OUTPUT_CHARACTERS, shortened_output


def test_output_is_cut_at_the_end_when_it_is_too_long() -> None:
    assert shortened_output("out", "") == "out"
    assert shortened_output("out", "err") == "out\n----------ERROR-------\nerr"
    for stdout, stderr in (("o" * 9000, ""), ("o" * 9000, "e" * 9000), ("o" * 9000, "e"), ("o", "e" * 9000)):
        cut = shortened_output(stdout, stderr)
        assert len(cut) <= OUTPUT_CHARACTERS
        assert cut.startswith("o")
        assert "truncated" in cut
