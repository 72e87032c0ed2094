"""Secure aggregation: the coordinator learns the sum of the sites' vectors and no single one.

After Bonawitz et al. 2017 (doi 10.1145/3133956.3133982, the actively secure variant of its figure 4) with the sparse
graph of Bell et al. 2020 (doi 10.1145/3372297.3417885). Pure: no network, no files, no torch. One attempt is

1. `Member.advertise`: fresh X25519 keys, signed by the enrolled identity; `Collector.adverts` shows all to all.
2. `Member.share`: verifies every signature, splits its mask key and its self mask's seed (Shamir), seals a share of
   each to every neighbour; `Collector.shares` routes them.
3. `Member.mask`: vector + self mask +- a mask with every neighbour, modulo 2^64; `Collector.add`, `.survivors`.
4. `Member.confirm`: signs the list of survivors; `Collector.confirmations` collects the signatures.
5. `Member.unmask`: checks a quorum of them, gives for each site it holds shares of EITHER the seed's (survivor) OR the
   mask key's (dropped); `Collector.finish` takes the masks off.

What holds. A coordinator that follows the protocol, and one that lies in every message, learns of the honest sites
only the sum over the survivors, as long as it runs fewer than 2 quorum - n of the n sites that advertised (n / 3 where
a third may drop) and fewer than the threshold of any one neighbourhood. Why:
(a) it cannot put keys of its own in a hospital's name, for those are signed with identities that hospitals pinned;
(b) other adverts, terms or plans at different sites give keys that do not agree: shares do not open, masks stay;
(c) two quorums overlap in an honest site, which signs one list of survivors per attempt (the caller's duty: one
    question at a time, its state written before the answer leaves), so no site's seed and mask key are both given.
    Without step 4 other lists at other sites could rebuild all mask keys but one, whatever the threshold; a threshold
    above half of the holders alone only bounds it: 2 threshold - (degree + 1) liars in a neighbourhood get both
    secrets of one site;
(d) a coordinator that holds shares back, so that a site has masks with nobody who stays, finds that this site and those
    left out refuse, and that the rest cannot rebuild its seed (`Roster.least_received`);
(e) survivors that masks do not tie together are refused, so no part's own sum shows.

What does not. The sum itself says something (with record-level noise, little); sites in league with the coordinator
take their own vectors out of it, so a hospital's min_sites should allow for them. Below the complete graph (beyond
32 sites) (d) holds against 2 threshold - (degree + 1) liars in a neighbourhood and for parts of up to `degree`
sites, and a coordinator can draw keys of sites it runs until the order suits it and they surround a site; `degree` can
be raised against that. Any site can spoil a sum with a wild vector or void it with bad shares; it is seen that a
rebuilt secret is wrong, not by whose fault. Two sums over the same vectors with other survivors or other weights differ
by a single vector: in a second attempt a site must have trained anew, or sign for the same sum only (the caller's duty,
see `client.secure_round.opened`). Where nearly half may drop, one liar among five sites gets both secrets of one, so
that share must not be the coordinator's to choose. Nor does it hide who takes part, how many, or how long they take.
"""

from gmmas_core.secure_sum.advert import Advert as Advert
from gmmas_core.secure_sum.advert import Attempt as Attempt
from gmmas_core.secure_sum.collector import Collector as Collector
from gmmas_core.secure_sum.lost import RoundLost as RoundLost
from gmmas_core.secure_sum.member import Kind as Kind
from gmmas_core.secure_sum.member import Member as Member
from gmmas_core.secure_sum.member_state import Phase as Phase
from gmmas_core.secure_sum.neighbours import neighbours as neighbours
from gmmas_core.secure_sum.removal import Reply as Reply
from gmmas_core.secure_sum.roster import Roster as Roster
from gmmas_core.secure_sum.roster import Verify as Verify
from gmmas_core.secure_sum.terms import Terms as Terms
from gmmas_core.secure_sum.terms import degree_for as degree_for
from gmmas_core.secure_sum.terms import terms_for as terms_for
from gmmas_core.secure_sum.terms import threshold_for as threshold_for
