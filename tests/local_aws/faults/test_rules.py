"""To which calls a fault happens: the next ones, later ones, some of them, or those of a while."""

from dataclasses import replace

from local_aws.faults.rules import CallFault, Rules

ALL = CallFault(service="ssm", answer="error", calls=None)


class Calls:
    """The rules, at a time that a test sets."""

    def __init__(self, *faults: CallFault) -> None:
        self.now = 0.0
        self.rules: Rules[CallFault] = Rules(lambda: self.now)
        for each in faults:
            self.rules.add(each)

    def hits(self, calls: int, action: str = "ListCommands") -> str:
        """A letter for each call: what happened to it, or a dot."""
        hit = (
            self.rules.take(lambda rule: rule.matches("ssm", action, "us-east-1"), action=action)
            for _ in range(calls)
        )
        return "".join(each.answer[0] if each else "." for each in hit)


def test_a_fault_happens_to_the_next_call_only_unless_it_says_otherwise() -> None:
    assert Calls(replace(ALL, calls=1)).hits(3) == "e.."
    assert Calls(replace(ALL, calls=2, skip=1)).hits(5) == ".ee.."
    assert Calls(ALL).hits(5) == "eeeee"


def test_only_calls_that_match_are_counted() -> None:
    calls = Calls(replace(ALL, calls=1, skip=1, action="SendCommand"))
    assert calls.hits(3) == "..."
    assert calls.hits(3, "SendCommand") == ".e."


def test_the_root_users_calls_can_be_spared() -> None:
    assert ALL.matches("ssm", "ListCommands", "us-east-1", is_root=True)
    spares = replace(ALL, spares_root=True)
    assert spares.matches("ssm", "ListCommands", "us-east-1", is_root=False)
    assert not spares.matches("ssm", "ListCommands", "us-east-1", is_root=True)


def test_a_fault_may_concern_only_calls_that_mention_a_name() -> None:
    of_shop = replace(ALL, mentions="shop1")
    assert of_shop.matches("ssm", "ListCommands", "us-east-1", body=b'{"Comment": "of shop1"}')
    assert not of_shop.matches("ssm", "ListCommands", "us-east-1", body=b'{"Comment": "of shop2"}')


def test_the_first_of_several_faults_applies_and_then_the_next() -> None:
    assert Calls(replace(ALL, calls=2), replace(ALL, calls=1, answer="reset")).hits(4) == "eer."


def test_chance_is_repeatable_by_its_seed() -> None:
    some = replace(ALL, chance=0.3, seed=7)
    hits = Calls(some).hits(1000)
    assert hits == Calls(some).hits(1000)
    assert hits != Calls(replace(some, seed=8)).hits(1000)
    assert 250 < hits.count("e") < 350


def test_a_fault_is_over_after_its_time() -> None:
    calls = Calls(replace(ALL, for_seconds=10))
    assert calls.hits(2) == "ee"
    calls.now = 9.9
    assert calls.hits(1) == "e"
    calls.now = 10
    assert calls.hits(2) == ".."


def test_what_happened_is_recorded_until_it_is_cleared() -> None:
    calls = Calls(replace(ALL, calls=1))
    calls.hits(3)
    assert calls.rules.happened == [{"action": "ListCommands"}]
    calls.rules.add(ALL)
    calls.rules.clear()
    assert calls.hits(1) == "."
    assert calls.rules.happened == []
