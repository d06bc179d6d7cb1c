/** What the process's environment says; the only file that reads it. */
export interface ProcessSettings {
  /** Show the stack of an unexpected error. */
  readonly debug: boolean;
  /** Whether a terminal may be written to in colour (https://no-color.org). */
  readonly colour: boolean;
  readonly dataDir: string | undefined;
  readonly projectRoot: string | undefined;
  readonly policyFile: string | undefined;
  /** A running service that commands go to instead of the data folder. */
  readonly url: string | undefined;
  readonly tokenFile: string | undefined;
  readonly sshAgentSocket: string | undefined;
  /** Who the machine says is at work; goes on record. */
  readonly user: string | undefined;
}

export function processSettings(): ProcessSettings {
  const environment = process.env;
  return {
    debug: said(environment.SAFEAI_DEBUG) !== undefined,
    colour: said(environment.NO_COLOR) === undefined && environment.TERM !== 'dumb',
    dataDir: said(environment.SAFEAI_DATA_DIR),
    projectRoot: said(environment.SAFEAI_PROJECT_ROOT),
    policyFile: said(environment.SAFEAI_POLICY_FILE),
    url: said(environment.SAFEAI_URL),
    tokenFile: said(environment.SAFEAI_TOKEN_FILE),
    sshAgentSocket: said(environment.SSH_AUTH_SOCK),
    user: said(environment.USER),
  };
}

function said(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
