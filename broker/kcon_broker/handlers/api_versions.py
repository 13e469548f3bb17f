"""ApiVersions (18), versions 0-4: what does this broker serve?

The ranges are those of the table `served`. A version of ApiVersions itself that is not served is answered in
version 0 with UNSUPPORTED_VERSION and the one range of ApiVersions, so that the client can ask again (KIP-35).

- v3: the client names its software, in characters of a fixed set (KIP-511); features are told (KIP-584).
- v4: features with a minimum of 0 may be told (KIP-1022); in v3 they are left out.

Every API of Apache Kafka 4.3 is served, those of share and streams groups as with their features at 0: so clients that
infer the release from the ranges find one. Only what works is finalized: with `transaction.version` at 2 clients that
can use the second version of transactions (KIP-890); the others go on with the first.
"""

import re

from kcon_broker.handlers.registry import Answer, RequestContext, handles
from kcon_broker.handlers.served import SERVED
from kcon_broker.state.features import SUPPORTED
from kcon_broker.wire.api_keys import ApiKey
from kcon_broker.wire.error_codes import ErrorCode
from kcon_broker.wire.messages.api_versions import (
    ApiVersion,
    ApiVersionsRequest,
    ApiVersionsResponse,
    FinalizedFeatureKey,
    SupportedFeatureKey,
)

VERSIONS = (0, 4)

_SOFTWARE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?\Z")


@handles(ApiKey.API_VERSIONS, versions=VERSIONS)
def handle_api_versions(ctx: RequestContext, request: ApiVersionsRequest) -> Answer:
    """Tell the served ranges."""
    if ctx.api_version >= 3 and not (
        _SOFTWARE.match(request.client_software_name) and _SOFTWARE.match(request.client_software_version)
    ):
        return Answer(ApiVersionsResponse(error_code=ErrorCode.INVALID_REQUEST))
    return Answer(
        ApiVersionsResponse(
            api_keys=[
                ApiVersion(api_key=key, min_version=served.min_version, max_version=served.max_version)
                for key, served in SERVED.items()
            ],
            supported_features=[
                SupportedFeatureKey(name=feature.name, min_version=feature.level_min, max_version=feature.level_max)
                for feature in SUPPORTED.values()
                if ctx.api_version >= 4 or feature.level_min > 0
            ],
            finalized_features_epoch=ctx.broker.features_epoch,
            finalized_features=[
                FinalizedFeatureKey(name=name, min_version_level=level, max_version_level=level)
                for name, level in ctx.broker.cluster.features.finalized().items()
            ],
        )
    )


def unsupported_version_response() -> ApiVersionsResponse:
    """Return what an ApiVersions of unknown version is answered with, in version 0."""
    return ApiVersionsResponse(
        error_code=ErrorCode.UNSUPPORTED_VERSION,
        api_keys=[ApiVersion(api_key=ApiKey.API_VERSIONS, min_version=VERSIONS[0], max_version=VERSIONS[1])],
    )
