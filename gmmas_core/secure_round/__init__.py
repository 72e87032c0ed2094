"""What one secure sum of a training round is made of: the vector, what sites state beside their keys, who speaks.

The masks themselves are `gmmas_core.secure_sum`'s; here is nothing secret and no network.
"""
