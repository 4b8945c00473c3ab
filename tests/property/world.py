"""The names, addresses and attributes of the tenants that the state machine edits, few enough to meet each other."""

from __future__ import annotations

from hypothesis import strategies as st

NAMES = ("Ada Lind", "Bo Krag", "Cy Holm", "Di Juhl", "Ed Riis", "Fy Skov")
ADDRESSES = tuple(f"{name.split()[0].lower()}@contoso.example" for name in NAMES)
ALIASES = ("one@contoso.example", "two@contoso.example", ADDRESSES[0])
EMPLOYEES = ("E-1", "E-2", "E-3")
BADGE = f"extension_{'0123456789abcdef' * 2}_badge"
ROW_BYTES = 12_000  # of the machine's storage: somebody with LARGE is more than a row holds
LARGE = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(6_000))  # as bytes three times as many

some = st.integers(0, 10**6)
names, addresses = st.sampled_from(NAMES), st.sampled_from(ADDRESSES)
