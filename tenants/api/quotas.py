"""REST: quotas."""

from typing import Any

from rest_framework import serializers


class QuotaLineSerializer(serializers.Serializer[Any]):
    """One kind of quota, as it is and (in a preview) as it would be."""

    kind = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    limit = serializers.IntegerField()
    used = serializers.IntegerField()
    after = serializers.IntegerField()
    over = serializers.BooleanField()
