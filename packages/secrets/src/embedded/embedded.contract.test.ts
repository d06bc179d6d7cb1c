import { describeProviderContract, fakeLostAnswers, MemorySecretRows } from '@provability-fabric/testkit';
import { openProcess } from './embedded.fixture.ts';

describeProviderContract('the embedded provider', async () => {
  const { port, loseNextAnswer } = fakeLostAnswers(new MemorySecretRows(), ['change']);
  const { provider } = await openProcess(port);
  return { provider, loseNextAnswer, close: async () => undefined };
});
