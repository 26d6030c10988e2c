"""What happens to the account without dotrain, by whoever else has it."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, rule

from tests.histories import model, seen
from tests.histories.told import HERE, Told

THEIRS = "theirs-"
"""What somebody else has made is called so."""
PLACES = (HERE, "203.0.113.9", "198.51.100.4")


class Others(Told):
    """What others do to an account, and what becomes of this machine."""

    names = Bundle("names")

    @rule(place=st.sampled_from(PLACES))
    def move(self, place: str) -> None:
        """This machine is somewhere else."""
        self.at = place
        self.world.move(place)

    @rule(name=names)
    def open_by_hand(self, name: str) -> None:
        """Somebody lets the whole world in."""
        had = self._there(name)
        if not had:
            return
        for one in model.labelled(self.account.objects()["firewalls"], name):
            kept = ("name", "outbound_rules", "droplet_ids", "tags")
            world = {"protocol": "tcp", "ports": "22", "sources": {"addresses": ["0.0.0.0/0"]}}
            rules = [*one["inbound_rules"], world]
            body = {key: one[key] for key in kept}
            self.account.by_hand("PUT", f"/v2/firewalls/{one['id']}", inbound_rules=rules, **body)
        had.may |= {("nodes", "inbound", "tcp", "22", "0.0.0.0/0")} | self._opens(name)
        had.touched = True

    @rule(name=names)
    def delete_by_hand(self, name: str) -> None:
        """Somebody deletes the cluster in the control panel."""
        had = self._there(name)
        if had:
            had.may |= self._opens(name)
            for one in model.labelled(self.account.objects()["clusters"], name):
                self.account.by_hand("DELETE", f"/v2/kubernetes/clusters/{one['id']}")
            had.alive = False
            had.touched = True

    @rule(name=names, kind=st.sampled_from(["volume", "balancer"]))
    def kubernetes_makes(self, name: str, kind: str) -> None:
        """A Service or a claim makes something that costs."""
        if not self._there(name):
            return
        for one in model.labelled(self.account.objects()["clusters"], name):
            seen.kubernetes_made(self.account, one, kind, f"made-{self.steps}")

    @rule(kind=st.sampled_from(["cluster", "firewall", "volume", "tag"]))
    def stranger(self, kind: str) -> None:
        """Somebody else makes something of his own."""
        seen.strange(self.account, kind, f"{THEIRS}{self.steps}")

    @rule(name=names)
    def balance(self, name: str) -> None:
        """Somebody has a load balancer of his own in its network."""
        if self._there(name):
            for one in model.labelled(self.account.objects()["clusters"], name):
                seen.balancer(self.account, one, f"{THEIRS}{self.steps}")

    @rule(name=names)
    def forget(self, name: str) -> None:
        """The state is lost: another machine has made it."""
        had = self._there(name)
        if had:
            self.world.forget(name)
            had.known = False
            had.may |= self._opens(name)
            had.touched = True
