import type { ProposedAuth } from './proposal.ts';
import type { TemplateValues } from './template.ts';

/** The environment's variable for one of a service's secrets. */
export function variableName(service: string, name: string): string {
  return `${service.toUpperCase().replaceAll('-', '_')}_${name}`;
}

/** What the documents and the configuration say of authentication. */
export function authValues(service: string, auth: ProposedAuth): TemplateValues {
  const variable = (name: string): string => variableName(service, name);
  const set = (names: readonly string[]): string =>
    `; set ${names.map((name) => `\`${variable(name)}\``).join(' and ')}`;
  switch (auth.type) {
    case 'oauth_client_credentials': {
      const token = auth.tokenPath.startsWith('https:')
        ? auth.tokenPath
        : `https://auth.${service}.example.com${auth.tokenPath}`;
      return {
        authYaml: `auth:\n  type: oauth_client_credentials\n  token_url: ${token}\n  scopes: [${auth.scopes.map((scope) => `'${scope}'`).join(', ')}]\n  client_id: env:${variable('CLIENT_ID')}\n  client_secret: env:${variable('CLIENT_SECRET')}`,
        secretsToSet: set(['CLIENT_ID', 'CLIENT_SECRET']),
        scopes:
          auth.scopes.length === 0
            ? ''
            : ` Scopes: ${auth.scopes.map((scope) => `\`${scope}\``).join(', ')}, all that the document names; do without what is not needed.`,
        authCurl: '-H "Authorization: Bearer $TOKEN" ',
        spikeAuth: ` \`TOKEN\` is what \`${auth.tokenPath}\` gives for the client.`,
      };
    }
    case 'api_key':
      return {
        authYaml: `auth:\n  type: api_key\n  header: ${auth.header}\n  key: env:${variable('API_KEY')}`,
        secretsToSet: set(['API_KEY']),
        scopes: '',
        authCurl: `-H "${auth.header}: $KEY" `,
        spikeAuth: ' `KEY` is the API key.',
      };
    case 'basic':
      return {
        authYaml: `auth:\n  type: basic\n  username: env:${variable('USERNAME')}\n  password: env:${variable('PASSWORD')}`,
        secretsToSet: set(['USERNAME', 'PASSWORD']),
        scopes: '',
        authCurl: '-u "$USERNAME:$PASSWORD" ',
        spikeAuth: '',
      };
    case 'bearer':
      return {
        authYaml: `auth:\n  type: bearer\n  token: env:${variable('TOKEN')}`,
        secretsToSet: set(['TOKEN']),
        scopes: '',
        authCurl: '-H "Authorization: Bearer $TOKEN" ',
        spikeAuth: ' `TOKEN` is the token.',
      };
    default:
      return { authYaml: 'auth:\n  type: none', secretsToSet: '', scopes: '', authCurl: '', spikeAuth: '' };
  }
}
