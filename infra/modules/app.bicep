// The function app on Flex Consumption, with every setting it reads.

param name string
param location string
param identityId string
param identityClientId string
param storageName string
param packageContainerUrl string
param insightsConnectionString string
param maximumInstanceCount int

@description('Reference to the key vault secret with SIGNING_KEYS.')
param signingKeysReference string

@description('The settings that differ between installations.')
param settings object

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: '${name}-plan'
  location: location
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    siteConfig: {
      minTlsVersion: '1.2'
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.11'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: 2048
        maximumInstanceCount: maximumInstanceCount
        // Graph stops sending to an endpoint that is slow to wake: one instance for HTTP never sleeps.
        alwaysReady: [
          {
            name: 'http'
            instanceCount: 1
          }
        ]
        // Python's default is one request at a time; a notification takes milliseconds and waits for the queue only.
        triggers: {
          http: {
            perInstanceConcurrency: 32
          }
        }
      }
    }
  }
}

resource appSettings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'appsettings'
  properties: union(settings, {
    // The host: storage and telemetry by identity, no home page in front of the panel, threads for sync functions.
    AzureWebJobsStorage__accountName: storageName
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identityClientId
    AzureWebJobsDisableHomepage: 'true'
    PYTHON_THREADPOOL_THREAD_COUNT: '32'
    APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    // The app.
    ENTRA_LOGIN_ENDPOINT: 'https://login.microsoftonline.com'
    GRAPH_ENDPOINT: 'https://graph.microsoft.com'
    ENTRA_MANAGED_IDENTITY_CLIENT_ID: identityClientId
    SIGNING_KEYS: signingKeysReference
    PULL_INTERVAL: '300'
    FULL_PASS_INTERVAL: '86400'
    HINT_DELAY: '2'
  })
}

output name string = app.name
output host string = app.properties.defaultHostName
