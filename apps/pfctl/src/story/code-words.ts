/** What a code means where no clause says it. */
/** By code; `CODE by CHECK` where another check says it of something else. */
export const CODE_WORDS: Readonly<Record<string, string>> = {
  NOT_PERMITTED: 'no permit that is in force allows it, and what nothing permits is denied',
  'NOT_PERMITTED by flow':
    'fabric_extract gives out what a rule of handles.extract names: its tool, field and type',
  'LIMIT_EXCEEDED by flow':
    'of one handle only so much may be tried, since each attempt says something of what is hidden',
  HANDLE_INVALID:
    'a handle stands for a value only as a whole argument, where it can be judged, in the session it is of',
  CAP_MISS: 'the token is not for this, or not for this session',
  CAP_EXPIRED: 'the token had expired',
  EPOCH_STALE: 'the token is of an epoch that is over; a new token is of the one in force',
  EPOCH_FUTURE: 'the token is of an epoch that has not come into force here',
  CROSS_TENANT: 'the tenant is not that of the session, or not one of the bundle',
  OUTCOME_AMBIGUOUS: 'nobody knows what came of an earlier call; report its outcome first',
  BUNDLE_EXPIRED: 'the bundle had expired',
  SECRET_NOT_PERMITTED: 'a reference to a secret stands where no rule of the bundle permits it',
  SECRET_EXPOSED: 'it held the value of a secret, which nobody here may send or see',
  EVAL_ERROR: 'a check could not be evaluated, and what cannot be evaluated is denied',
};
