import { afterAll, beforeAll, describe } from 'vitest';
import { listingContract } from './provider-contract-listing.ts';
import { rotationContract } from './provider-contract-rotation.ts';
import { valueContract } from './provider-contract-values.ts';
import { versionContract } from './provider-contract-versions.ts';
import type { ProviderSuite, ProviderUnderTest } from './provider-suite.ts';

/** What every provider has to keep to, whatever it keeps secrets in. Tests have a tenant each. */
export function describeProviderContract(name: string, make: () => Promise<ProviderUnderTest>): void {
  describe(`the provider contract, kept by ${name}`, () => {
    let opened: ProviderUnderTest;
    beforeAll(async () => {
      opened = await make();
    });
    afterAll(async () => {
      await opened.provider.close();
      await opened.close();
    });
    const suite: ProviderSuite = {
      get provider() {
        return opened.provider;
      },
      get underTest() {
        return opened;
      },
    };
    valueContract(suite);
    versionContract(suite);
    listingContract(suite);
    rotationContract(suite);
  });
}
