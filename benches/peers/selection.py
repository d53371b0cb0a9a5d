"""Who of those that no rule removed is contacted: one per group, the best that the limits leave, drawn into cells.

Python, for it is a loop in which every choice depends on those before. The lots are salenet's own, so that both choose
the same customers.
"""

from dataclasses import dataclass
from decimal import Decimal

from blake3 import blake3

WHOLE = 1_000_000
CHANNELS = ("mail", "phone", "email", "branch")
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass
class Cell:
    code: str
    kind: str
    channel: str | None
    share: int
    offer: str | None
    cents: int | None


@dataclass
class Member:
    customer: int
    group: int
    rank: float | None
    # Channels that no rule closes.
    channels: frozenset
    branch: str | None


def cells_of(spec):
    """A campaign without cells is one cell of everybody selected."""
    cells = [
        Cell(
            cell["code"],
            cell.get("kind", "target"),
            cell.get("channel"),
            int(Decimal(cell["share"]) * WHOLE),
            cell.get("offer"),
            int(Decimal(cell["cost"]) * 100) if "cost" in cell else None,
        )
        for cell in spec.get("cells", [])
    ]
    return cells or [Cell("A", "target", None, WHOLE, None, None)]


def most(capacity):
    if "max" in capacity:
        return int(capacity["max"])
    return int(capacity["per_day"]) * int(capacity.get("days", 1))


def limits_of(spec, cells, used_tonight):
    """(name, what a member of each cell uses, most)."""
    constraints = spec.get("constraints", {})
    limits = []
    contacted = [int(cell.kind != "control") for cell in cells]
    limits.append(("CAP", contacted, int(spec["cap"]) if "cap" in spec else None))
    if "budget" in constraints:
        limits.append(("BUDGET", [cell.cents or 0 for cell in cells], int(Decimal(constraints["budget"]) * 100)))
    for channel, capacity in constraints.get("channels", {}).items():
        left = max(most(capacity) - used_tonight.get(channel, 0), 0)
        limits.append((f"CHANNEL_{channel.upper()}", [int(cell.channel == channel) for cell in cells], left))
    return limits


class Lot:
    """Numbers that depend on nothing but the campaign, its seed, a purpose and the group."""

    def __init__(self, campaign, seed, purpose):
        key = blake3(derive_key_context="salenet campaign cells 1")
        for part in (campaign.encode(), seed.to_bytes(8, "little"), purpose.encode()):
            key.update(len(part).to_bytes(8, "little"))
            key.update(part)
        self.key = key.digest()

    def draw(self, group):
        return int.from_bytes(blake3(group.to_bytes(8, "little", signed=True), key=self.key).digest()[:8], "little")

    def ordered(self, members):
        return sorted(members, key=lambda member: (self.draw(member.group), member.customer))


class Stratum:
    """Those chosen who may be contacted by the same channels."""

    def __init__(self, cells, channels):
        control = sum(cell.share for cell in cells if cell.kind == "control")
        is_open = [cell.kind == "target" and (cell.channel is None or cell.channel in channels) for cell in cells]
        shares = sum(cell.share for cell, free in zip(cells, is_open) if free)
        # A contact cell whose channel is closed leaves its share to the others.
        self.weights = [
            cell.share * shares if cell.kind == "control" else cell.share * (WHOLE - control) if free else 0
            for cell, free in zip(cells, is_open)
        ]
        self.total = shares * WHOLE
        self.members = []
        self.counts = [0] * len(cells)

    def counted(self, members):
        """How many of so many fall into each cell: whole parts, then the largest remainders, then the first cells."""
        counts = [weight * members // self.total for weight in self.weights]
        remainders = sorted(range(len(counts)), key=lambda cell: (-(self.weights[cell] * members % self.total), cell))
        for cell in remainders[: members - sum(counts)]:
            counts[cell] += 1
        return counts


class Choice:
    """The states of all members: `no_channel`, `lost_in_dedupe`, `cut`, `selected` or `control`."""

    def __init__(self, spec, members, used_tonight):
        campaign = spec["campaign"]
        self.cells = cells_of(spec)
        self.limits = limits_of(spec, self.cells, used_tonight)
        constraints = spec.get("constraints", {})
        if "average" in constraints:
            raise ValueError(f"{campaign['code']}: constraints on averages are not known here")
        self.branch_most = most(constraints["branches"]) if "branches" in constraints else None
        self.names = [limit[0] for limit in self.limits] + (["BRANCH"] if self.branch_most is not None else [])
        self.lot = lambda purpose: Lot(campaign["code"], int(campaign["seed"]), purpose)
        self.explore = next((place for place, cell in enumerate(self.cells) if cell.kind == "explore"), None)
        # By customer: state and the number of its limit or cell.
        self.states = {}
        self.branches, self.used, self.chosen = {}, [0] * len(self.limits), 0
        self.ranked = self.rank(members)
        self.strata = {}
        for member in self.ranked:
            self.choose(member)
        self.draw()
        if self.explore is not None:
            self.draw_explore()

    def rank(self, members):
        """The best of each group, best first; who has no rank comes last."""
        used = {cell.channel for cell in self.cells if cell.channel}
        open_to = []
        for member in members:
            member.channels = frozenset(member.channels & used)
            if any(cell.kind == "target" and cell.channel in member.channels | {None} for cell in self.cells):
                open_to.append(member)
            else:
                self.states[member.customer] = ("no_channel", None)
        open_to.sort(key=lambda member: (member.rank is None, -(member.rank or 0.0), member.customer))
        groups, ranked = set(), []
        for member in open_to:
            if member.group in groups:
                self.states[member.customer] = ("lost_in_dedupe", None)
            else:
                groups.add(member.group)
                ranked.append(member)
        return ranked

    def n_explore(self, chosen):
        return self.cells[self.explore].share * chosen // WHOLE if self.explore is not None else 0

    def is_branch_full(self, member):
        return self.branch_most is not None and self.branches.get(member.branch, 0) >= self.branch_most

    def take(self, member):
        self.branches[member.branch] = self.branches.get(member.branch, 0) + 1

    def choose(self, member):
        """Takes the member in, unless a limit would be passed."""
        if self.is_branch_full(member):
            self.states[member.customer] = ("cut", len(self.limits))
            return
        stratum = self.strata.get(member.channels)
        if stratum is None:
            stratum = self.strata[member.channels] = Stratum(self.cells, member.channels)
        counts = stratum.counted(len(stratum.members) + 1)
        more = [new - old for new, old in zip(counts, stratum.counts)]
        n_explore = self.n_explore(self.chosen + 1)
        used = []
        for number, (_, usage, limit) in enumerate(self.limits):
            used.append(self.used[number] + sum(change * each for change, each in zip(more, usage)))
            explored = n_explore * usage[self.explore] if n_explore else 0
            if limit is not None and used[number] + explored > limit:
                self.states[member.customer] = ("cut", number)
                return
        stratum.members.append(member)
        stratum.counts = counts
        self.used = used
        self.chosen += 1
        self.take(member)

    def draw(self):
        """In each stratum the first by lot go to the first cell."""
        lot = self.lot("cells")
        for stratum in self.strata.values():
            rest = iter(lot.ordered(stratum.members))
            for place, (cell, count) in enumerate(zip(self.cells, stratum.counts)):
                state = "control" if cell.kind == "control" else "selected"
                for _ in range(count):
                    self.states[next(rest).customer] = (state, place)

    def draw_explore(self):
        """The explore cell, among all whom the limits cut, whatever their rank."""
        cell = self.cells[self.explore]
        wanted, found = self.n_explore(self.chosen), 0
        pool = [
            member for member in self.ranked
            if self.states[member.customer][0] == "cut" and (cell.channel is None or cell.channel in member.channels)
        ]
        for member in self.lot("explore").ordered(pool):
            if found == wanted:
                break
            if not self.is_branch_full(member):
                self.take(member)
                self.states[member.customer] = ("selected", self.explore)
                found += 1


def check_character(number):
    """ISO/IEC 7064, MOD 37,36."""
    product = 36
    for mark in number.upper():
        if mark in ALPHABET:
            product = ((product + ALPHABET.index(mark)) % 36 or 36) * 2 % 37
    return ALPHABET[(37 - product) % 36]


def finder_number(pattern, campaign, cell, sequence):
    """`{campaign}-{cell}-{seq:07}-{check}`: the check character stands for all before it."""
    number = pattern.removesuffix("{check}").format(campaign=campaign, cell=cell, seq=sequence)
    return number + check_character(number)


def decided(spec, members, used_tonight):
    """Rows of what became of each member: customer, state, place, limit, cell, channel, offer, finder, sequence."""
    choice = Choice(spec, members, used_tonight)
    places = {member.customer: place for place, member in enumerate(choice.ranked, 1)}
    pattern = spec.get("codes", {}).get("finder")
    sequence, finders = 0, {}
    for member in choice.ranked if pattern else []:
        state, number = choice.states[member.customer]
        if state == "selected":
            sequence += 1
            code = choice.cells[number].code
            finders[member.customer] = (finder_number(pattern, spec["campaign"]["code"], code, sequence), sequence)
    rows = []
    for customer, (state, number) in choice.states.items():
        cell = choice.cells[number] if state in ("selected", "control") else None
        rows.append((
            customer,
            state,
            places.get(customer),
            choice.names[number] if state == "cut" else None,
            cell and cell.code,
            cell and cell.channel,
            cell and cell.offer,
            *finders.get(customer, (None, None)),
        ))
    return rows
