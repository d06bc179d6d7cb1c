/** How often a kind of secret is changed, and how long the old value stays valid beside the new one. */
export interface RotationPolicy {
  /** Whether a schedule under it runs by itself; otherwise the secret is changed by hand, with the same grace. */
  readonly enabled: boolean;
  /** Where no cron expression is given. */
  readonly intervalDays: number;
  readonly gracePeriodHours: number;
}

export const RotationPolicies = {
  DATABASE_CREDENTIALS: { enabled: true, intervalDays: 90, gracePeriodHours: 24 },
  API_KEYS: { enabled: true, intervalDays: 30, gracePeriodHours: 2 },
  JWT_SECRETS: { enabled: true, intervalDays: 180, gracePeriodHours: 48 },
  // What is encrypted under an old key has to be encrypted anew by somebody who knows where it is.
  ENCRYPTION_KEYS: { enabled: false, intervalDays: 365, gracePeriodHours: 168 },
} as const satisfies Readonly<Record<string, RotationPolicy>>;
