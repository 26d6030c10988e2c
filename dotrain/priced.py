"""What a cluster costs: the part of `Cluster` that shows it."""

from __future__ import annotations

from dotrain import billing
from dotrain.bills import Bill
from dotrain.errors import DotrainError
from dotrain.guarded import Guarded
from dotrain.spec import ClusterSpec


class Priced(Guarded):
    """What costs money; `Cluster` is all there is to it.

    Parameters
    ----------
    name : str
        Its name.
    target : Target
        The account it is in.
    """

    def cost(self) -> Bill:
        """Return what the cluster costs: an hour, a month, and so far.

        What there is counts: nodes (for an autoscaled pool now, and at most),
        a highly available control plane, load balancers and volumes that
        Kubernetes made, and the database. Nodes are priced by DigitalOcean's
        present price list. What that does not have is priced as DigitalOcean's
        pages said when they were last read, and marked so; a database's price
        is not known, and no sum takes it for nothing.

        Returns
        -------
        Bill
            With ``.hourly``, ``.monthly``, ``.so_far`` (US dollars; None when a
            part of it is not known), ``.unknown`` and ``.frame`` (a DataFrame).
            `so_far` is since the creation of each node. Of nodes that are gone
            it has those that this machine has seen (at each look at the cost,
            and before each change of pools), until it last saw them.

        Raises
        ------
        ClusterNotFound
            When the account has no such cluster.
        ApiError
            When DigitalOcean refuses.

        Examples
        --------
        >>> round(dotrain.get("bert").cost().hourly, 3)
        0.161
        """
        return billing.cost(self._target, self.name)

    def _budget(self, spec: ClusterSpec) -> dict[str, str]:
        """Return in words how much of the budget is spent; nothing without one."""
        if spec.budget is None:
            return {}
        try:
            return {"budget": self.cost().budget_spent}
        except DotrainError as error:
            return {"budget": f"not known: {error}"}
