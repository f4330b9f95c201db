"""The demo city: an invented city of Shenyang's make-up. Every firm, person, lender and record in it is synthetic.

``plan_city`` draws it, ``write_deliveries`` writes what its agencies send. The model is told in docs/demo-city.md.
"""

from seed.city.city import City, plan_city
from seed.city.deliveries import LANDED, REFUSED, REPEAT, Delivery, write_deliveries
from seed.city.slips import Slip

__all__ = ["LANDED", "REFUSED", "REPEAT", "City", "Delivery", "Slip", "plan_city", "write_deliveries"]
