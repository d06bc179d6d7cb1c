import { SecretError, type SecretProvider } from '@provability-fabric/secrets';

/** One provider, under test. */
export interface ProviderUnderTest {
  readonly provider: SecretProvider;
  /** The store does what it is asked to do next, but what it answers is lost. Absent: that cannot be provoked. */
  readonly loseNextAnswer?: () => void;
  /** All that was logged so far, by provider and store, to be searched for values. */
  readonly logged?: () => string;
  readonly close: () => Promise<void>;
}

export interface ProviderSuite {
  readonly provider: SecretProvider;
  readonly underTest: ProviderUnderTest;
}

/** The code that it fails with; `none` where it does not fail, the message where it is no SecretError. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'none';
  } catch (error) {
    return error instanceof SecretError ? error.code : `not a SecretError: ${String(error)}`;
  }
}
