/** How a client finds the fake API server, and who it is there. */

export function kubeconfigOf(server: string, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'fake',
    clusters: [{ name: 'fake', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: token, user: { token } }],
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: token, namespace: 'test' } }],
  });
}
