import cProfile, pstats, pytest, collections
@pytest.fixture(autouse=True)
def _mem(settings):
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}
from django.db import transaction
from tests.bonuses import test_seam_machine as m
from bonuses.models import Hold
from promo.models import Code, ReplenishRun
@pytest.mark.django_db
def test_profile():
    stats = collections.Counter()
    fin = m.Shop.finish
    def finish(self):
        fin(self)
        for h in Hold.objects.exclude(code=None): stats["hold "+h.state+(" reinst" if h.reinstated_at else "")+(" ordered" if h.order_id else "")]+=1
        from bonuses.models import AskedAgain
        stats["again"]+=AskedAgain.objects.count()
        for r in ReplenishRun.objects.all(): stats[f"run {r.kind} {r.state} {r.reason}"]+=1
        for c in Code.objects.exclude(issue=None): stats["code "+c.state]+=1
    m.Shop.finish = finish
    p = cProfile.Profile(); p.enable()
    m.run(12)
    p.disable()
    print(dict(stats))
    pstats.Stats(p).sort_stats("cumtime").print_stats(60)
