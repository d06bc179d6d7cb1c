import type { JsonValue } from '@provability-fabric/kernel';
import type { SecretBroker, SecretUseRequest } from './ports.ts';

/** Secrets in memory, known again where they stand as they are; can be told to fail. */
export class TestBroker implements SecretBroker {
  readonly values = new Map<string, string>([
    ['api/token', 'v"alue-one\\'],
    ['db/password', 'value-two'],
  ]);
  readonly used: SecretUseRequest[] = [];
  isDown = false;
  /** Awaited before each answer. */
  gate: Promise<void> = Promise.resolve();

  async resolve(request: SecretUseRequest): Promise<string> {
    await this.gate;
    const value = this.values.get(request.name);
    if (this.isDown || value === undefined) throw new Error('expected a secret that is there');
    this.used.push(request);
    return value;
  }

  async exposedIn(tenant: string, value: JsonValue) {
    await this.gate;
    if (this.isDown) throw new Error('expected fingerprints');
    if (tenant !== 'acme') return [];
    const text = JSON.stringify(value);
    const held = [...this.values].filter(([, secret]) => text.includes(JSON.stringify(secret).slice(1, -1)));
    return held.map(([name]) => ({ name, pointer: '' }));
  }
}
