import type { ServiceClientConstructor, ServiceDefinition } from '@grpc/grpc-js';
import { loadPackageDefinition } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';

/** `provider/v1alpha1/service.proto` of the Secrets Store CSI driver; the numbers are the wire format. */
const PROTOCOL = {
  nested: {
    v1alpha1: {
      nested: {
        CSIDriverProvider: {
          methods: {
            Version: { requestType: 'VersionRequest', responseType: 'VersionResponse', comment: '' },
            Mount: { requestType: 'MountRequest', responseType: 'MountResponse', comment: '' },
          },
        },
        VersionRequest: { fields: { version: { type: 'string', id: 1 } } },
        VersionResponse: {
          fields: {
            version: { type: 'string', id: 1 },
            runtimeName: { type: 'string', id: 2 },
            runtimeVersion: { type: 'string', id: 3 },
          },
        },
        MountRequest: {
          fields: {
            attributes: { type: 'string', id: 1 },
            secrets: { type: 'string', id: 2 },
            targetPath: { type: 'string', id: 3 },
            permission: { type: 'string', id: 4 },
            currentObjectVersion: { rule: 'repeated', type: 'ObjectVersion', id: 5 },
          },
        },
        MountResponse: {
          fields: {
            objectVersion: { rule: 'repeated', type: 'ObjectVersion', id: 1 },
            error: { type: 'Error', id: 2 },
            files: { rule: 'repeated', type: 'File', id: 3 },
          },
        },
        File: {
          fields: {
            path: { type: 'string', id: 1 },
            mode: { type: 'int32', id: 2 },
            contents: { type: 'bytes', id: 3 },
          },
        },
        ObjectVersion: {
          fields: { id: { type: 'string', id: 1 }, version: { type: 'string', id: 2 } },
        },
        Error: { fields: { code: { type: 'string', id: 1 } } },
      },
    },
  },
};

export interface MountRequest {
  /** JSON: the class's parameters and what the kubelet says of the pod. */
  readonly attributes: string;
  /** JSON: newer kubelets put the pod's tokens here; otherwise a Secret that the class names. */
  readonly secrets: string;
  /** JSON: a number, the mode of files. */
  readonly permission: string;
}

export interface MountedFile {
  readonly path: string;
  readonly mode: number;
  readonly contents: Buffer;
}

export interface MountResponse {
  readonly objectVersion: readonly { readonly id: string; readonly version: string }[];
  readonly error?: { readonly code: string };
  readonly files: readonly MountedFile[];
}

export interface VersionResponse {
  readonly version: string;
  readonly runtimeName: string;
  readonly runtimeVersion: string;
}

/** The client too, for tests: whoever speaks to us is written in Go. */
export function loadProviderService(): ServiceClientConstructor & { readonly service: ServiceDefinition } {
  const loaded = loadPackageDefinition(fromJSON(PROTOCOL, { defaults: true }));
  const { CSIDriverProvider } = loaded.v1alpha1 as { CSIDriverProvider: ServiceClientConstructor };
  return CSIDriverProvider;
}
