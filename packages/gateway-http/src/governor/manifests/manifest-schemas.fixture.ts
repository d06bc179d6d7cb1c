import { z } from 'zod';

// What kubernetes/governor/ uses of the API, and nothing else: an API server drops or refuses a field that it does not know, and
// a probe or a security context with a slip in its name is then simply not there.

const s = z.strictObject;
const text = z.string().min(1);
const texts = z.record(text, z.string());
const quantity = z.string().regex(/^[0-9]+(?:m|Ki|Mi|Gi)?$/);
const labelled = s({ matchLabels: texts });
const name = z.string().regex(/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/);
const metadata = s({ name, namespace: z.literal('safeai'), labels: texts });
const port = z.int().min(1).max(65_535);
const count = z.int().positive();
const manifest = <Kind extends string, Shape extends z.ZodRawShape>(
  apiVersion: string,
  kind: Kind,
  shape: Shape,
) => s({ apiVersion: z.literal(apiVersion), kind: z.literal(kind), metadata, ...shape });

const probe = s({
  httpGet: s({ path: text, port: z.literal('http') }),
  periodSeconds: count,
  timeoutSeconds: count,
  failureThreshold: count,
});
const amounts = s({ cpu: quantity, memory: quantity });
const common = {
  name,
  image: z.string().regex(/^[a-z0-9/.-]+:[0-9.]+$/, 'an image with a version'),
  imagePullPolicy: z.enum(['IfNotPresent', 'Always']),
  args: z.array(text),
  env: z.array(
    z.union([
      s({ name: z.string().regex(/^[A-Z][A-Z0-9_]*$/), value: z.string() }),
      s({ name: text, valueFrom: s({ secretKeyRef: s({ name, key: text }) }) }),
    ]),
  ),
  resources: s({ requests: amounts, limits: amounts }),
  securityContext: s({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: s({ drop: z.tuple([z.literal('ALL')]) }),
    procMount: z.literal('Unmasked').optional(),
  }),
  volumeMounts: z.array(s({ name, mountPath: text, readOnly: z.literal(true).optional() })),
};
const claim = {
  accessModes: z.tuple([z.enum(['ReadWriteOnce', 'ReadWriteMany'])]),
  resources: s({ requests: s({ storage: quantity }) }),
};
const servicePorts = z.array(s({ name, port, targetPort: port, protocol: z.literal('TCP') }));
const peer = z.union([
  s({ namespaceSelector: s({}), podSelector: labelled }),
  s({ namespaceSelector: labelled }),
]);
const networkPorts = z.array(s({ protocol: z.enum(['TCP', 'UDP']), port }));

export const MANIFEST = z.discriminatedUnion('kind', [
  s({
    apiVersion: z.literal('v1'),
    kind: z.literal('Namespace'),
    metadata: s({ name: z.literal('safeai'), labels: texts }),
  }),
  manifest('v1', 'ConfigMap', { data: texts }),
  manifest('v1', 'Secret', { type: z.literal('Opaque'), data: texts }),
  manifest('v1', 'ServiceAccount', { automountServiceAccountToken: z.literal(false) }),
  manifest('v1', 'PersistentVolumeClaim', { spec: s(claim) }),
  manifest('apps/v1', 'StatefulSet', {
    spec: s({
      replicas: count,
      serviceName: name,
      podManagementPolicy: z.literal('Parallel'),
      updateStrategy: s({ type: z.literal('RollingUpdate') }),
      revisionHistoryLimit: count,
      selector: labelled,
      template: s({
        metadata: s({ labels: texts, annotations: texts }),
        spec: s({
          serviceAccountName: name,
          automountServiceAccountToken: z.literal(false),
          enableServiceLinks: z.literal(false),
          hostUsers: z.literal(false),
          terminationGracePeriodSeconds: count,
          securityContext: s({
            runAsNonRoot: z.literal(true),
            runAsUser: count,
            runAsGroup: count,
            fsGroup: count,
            fsGroupChangePolicy: z.literal('OnRootMismatch'),
            seccompProfile: s({ type: z.literal('Localhost'), localhostProfile: text }),
          }),
          initContainers: z.tuple([s({ ...common, command: z.array(text) })]),
          containers: z.tuple([
            s({
              ...common,
              ports: z.array(s({ name, containerPort: port, protocol: z.literal('TCP') })),
              startupProbe: probe,
              livenessProbe: probe,
              readinessProbe: probe,
            }),
          ]),
          volumes: z.array(
            z.union([
              s({ name, persistentVolumeClaim: s({ claimName: name }) }),
              s({
                name,
                configMap: s({ name, items: z.array(s({ key: text, path: text })).optional() }),
              }),
              s({ name, emptyDir: s({ sizeLimit: quantity }) }),
              s({ name, secret: s({ secretName: name, optional: z.boolean() }) }),
            ]),
          ),
        }),
      }),
      volumeClaimTemplates: z.array(
        s({ metadata: s({ name, labels: texts }), spec: s({ ...claim, storageClassName: name }) }),
      ),
    }),
  }),
  manifest('v1', 'Service', {
    spec: z.union([
      s({ type: z.literal('ClusterIP'), selector: texts, ports: servicePorts }),
      s({
        clusterIP: z.literal('None'),
        publishNotReadyAddresses: z.literal(true),
        selector: texts,
        ports: servicePorts,
      }),
    ]),
  }),
  manifest('networking.k8s.io/v1', 'NetworkPolicy', {
    spec: s({
      podSelector: labelled,
      policyTypes: z.tuple([z.literal('Ingress'), z.literal('Egress')]),
      ingress: z.array(s({ from: z.array(peer), ports: networkPorts })),
      egress: z.array(s({ to: z.array(peer), ports: networkPorts })),
    }),
  }),
  s({
    apiVersion: z.literal('networking.k8s.io/v1'),
    kind: z.literal('Ingress'),
    metadata: metadata.extend({ annotations: texts }),
    spec: s({
      ingressClassName: name,
      tls: z.array(s({ hosts: z.array(name), secretName: name })),
      rules: z.array(
        s({
          host: name,
          http: s({
            paths: z.array(
              s({
                path: text,
                pathType: z.literal('Prefix'),
                backend: s({ service: s({ name, port: s({ number: port }) }) }),
              }),
            ),
          }),
        }),
      ),
    }),
  }),
  manifest('autoscaling/v2', 'HorizontalPodAutoscaler', {
    spec: s({
      scaleTargetRef: s({ apiVersion: z.literal('apps/v1'), kind: z.literal('StatefulSet'), name }),
      minReplicas: count,
      maxReplicas: count,
      metrics: z.array(
        s({
          type: z.literal('Resource'),
          resource: s({
            name: z.literal('cpu'),
            target: s({ type: z.literal('Utilization'), averageUtilization: count }),
          }),
        }),
      ),
    }),
  }),
  manifest('policy/v1', 'PodDisruptionBudget', {
    spec: s({ maxUnavailable: count, selector: labelled }),
  }),
]);

export type Manifest = z.infer<typeof MANIFEST>;
export type Kind = Manifest['kind'];
export type Of<K extends Kind> = Extract<Manifest, { kind: K }>;
