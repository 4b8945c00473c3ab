// Everything the directory sync needs in one resource group: identity, storage, key vault, monitoring, the function app.
// Nothing here is a secret. The app registration is made once by hand (README.md), as it belongs to the Entra tenant.

targetScope = 'resourceGroup'

@description('Short lower-case name that all resource names begin with.')
@minLength(3)
@maxLength(11)
param name string = 'moxsosync'

@description('Region. Must offer Flex Consumption.')
param location string = resourceGroup().location

@description('Where Graph and browsers reach the app, e.g. https://sync.moxso.example. https, no path.')
param publicUrl string

@description('Application (client) id of the multi-tenant app registration.')
param entraClientId string

@description('smtps://host:port or acs://resource-host. Flex Consumption blocks port 25.')
param mailUrl string

@description('The address onboarding mail comes from.')
param mailSender string

@description('`iss` of the tokens that workspace admins arrive with.')
param workspaceIssuer string

@description('`aud` of those tokens.')
param workspaceAudience string

@description('URL of the keys that sign them.')
param workspaceJwks string

@description('Who is mailed when an alert fires.')
param alertEmail string

@description('Instances per scaling group at most; every queue and the timer are groups of their own.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Name of the key vault secret that holds SIGNING_KEYS. Made by hand before the first deployment of code.')
param signingKeysSecret string = 'signing-keys'

var suffix = uniqueString(resourceGroup().id)

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '${name}-identity'
  location: location
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  params: {
    name: take('${name}${suffix}', 24)
    location: location
    principalId: identity.properties.principalId
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  params: {
    name: take('${name}-${suffix}', 24)
    location: location
    principalId: identity.properties.principalId
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  params: {
    name: name
    location: location
    principalId: identity.properties.principalId
    alertEmail: alertEmail
  }
}

module app 'modules/app.bicep' = {
  name: 'app'
  params: {
    name: '${name}-${suffix}'
    location: location
    identityId: identity.id
    identityClientId: identity.properties.clientId
    storageName: storage.outputs.name
    packageContainerUrl: storage.outputs.packageContainerUrl
    insightsConnectionString: monitoring.outputs.insightsConnectionString
    signingKeysReference: '@Microsoft.KeyVault(SecretUri=${vault.outputs.uri}secrets/${signingKeysSecret})'
    maximumInstanceCount: maximumInstanceCount
    settings: {
      PUBLIC_URL: publicUrl
      ENTRA_CLIENT_ID: entraClientId
      MAIL_URL: mailUrl
      MAIL_SENDER: mailSender
      WORKSPACE_ISSUER: workspaceIssuer
      WORKSPACE_AUDIENCE: workspaceAudience
      WORKSPACE_JWKS: workspaceJwks
    }
  }
}

@description('`subject` of the federated credential on the app registration. Case matters.')
output federatedCredentialSubject string = identity.properties.principalId

@description('`issuer` of the federated credential: the home tenant.')
output federatedCredentialIssuer string = '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'

output functionAppName string = app.outputs.name
output functionAppHost string = app.outputs.host
output keyVaultName string = vault.outputs.name
output storageName string = storage.outputs.name
