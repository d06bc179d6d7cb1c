import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the process's environment says; the only file that reads it. */
export interface ProcessSettings {
  /** Show the stack of an unexpected error. */
  readonly debug: boolean;
  /** Whether a terminal may be written to in colour (https://no-color.org). */
  readonly colour: boolean;
  /** A token for the ledger; a credential. */
  readonly ledgerToken: string | undefined;
  /** A token of somebody who approves held actions; a credential. */
  readonly approverToken: string | undefined;
  /** A token for the secrets service; a credential. */
  readonly secretsToken: string | undefined;
  /** The ledger's PostgreSQL, where it is not the fabric's own; holds a password. */
  readonly databaseUrl: string | undefined;
}

export function processSettings(): ProcessSettings {
  const { PFCTL_DEBUG, NO_COLOR, TERM, LEDGER_TOKEN, APPROVER_TOKEN, SECRETS_TOKEN, DATABASE_URL } =
    process.env;
  return {
    debug: isSet(PFCTL_DEBUG),
    colour: !isSet(NO_COLOR) && TERM !== 'dumb',
    ledgerToken: LEDGER_TOKEN,
    approverToken: APPROVER_TOKEN,
    secretsToken: SECRETS_TOKEN,
    databaseUrl: isSet(DATABASE_URL) ? DATABASE_URL : undefined,
  };
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}

/** The checkout that this program belongs to: `src/` and `dist/` lie equally deep in it. */
export function checkoutFolder(): string {
  return resolve(fileURLToPath(import.meta.url), '../../../..');
}
