import { readFile } from 'node:fs/promises';
import type { TlsSettings } from '@provability-fabric/configuration';
import type { TlsOptions } from '@provability-fabric/gateway-http';
import { FabricError } from '../errors.ts';

/** Reads the PEM files of `tls_certificate`, `tls_key` and `tls_client_ca`. */
export async function readTls(settings: TlsSettings): Promise<TlsOptions> {
  const { certificate, key, clientCa, clients } = settings;
  const tls = {
    certificate: await readPem('tls_certificate', certificate),
    key: await readPem('tls_key', key),
  };
  if (clients === 'none' || clientCa === null) return tls;
  return { ...tls, clients: { authority: await readPem('tls_client_ca', clientCa), certificate: clients } };
}

async function readPem(name: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const { code = 'an error' } = cause as { code?: string };
    throw new FabricError(
      'CONFIG_INVALID',
      `expected a PEM file for \`${name}\` at \`${path}\`, got ${code}`,
      {
        cause,
      },
    );
  }
}
