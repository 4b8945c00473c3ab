// Logs and the alerts on them. The product's log lines are JSON in the message of a trace: {"event":"…", …}.

param name string
param location string
param principalId string
param alertEmail string

var metricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'

// Each: fires when the query returns more than `threshold` rows within `window`.
var alerts = [
  {
    key: 'silence'
    title: 'The timer has not finished for 15 minutes'
    severity: 1
    window: 'PT15M'
    threshold: 0
    query: 'AppTraces | where Message has "tick.finished" | summarize ticks = count() | where ticks == 0'
  }
  {
    key: 'poison'
    title: 'Messages failed five times and wait for an engineer'
    severity: 2
    window: 'PT5M'
    threshold: 0
    query: 'AppTraces | where Message has "poison.waiting"'
  }
  {
    key: 'quiet'
    title: 'A tenant was not read to its end for an hour'
    severity: 2
    window: 'PT15M'
    threshold: 0
    query: 'AppTraces | where Message has "connection.silent"'
  }
  {
    key: 'webhook'
    title: 'Notifications cannot be stored: Graph is told to try again'
    severity: 1
    window: 'PT5M'
    threshold: 5
    query: 'AppTraces | where Message has "webhook.unavailable"'
  }
  {
    key: 'requests'
    title: 'Unexpected errors in the panel or the API'
    severity: 2
    window: 'PT15M'
    threshold: 3
    query: 'AppTraces | where Message has "request.failed" and SeverityLevel >= 3'
  }
  {
    key: 'mails'
    title: 'Nobody can tell whether some onboarding mails were accepted'
    severity: 3
    window: 'PT1H'
    threshold: 0
    query: 'AppTraces | where Message has "mail.needs_review"'
  }
  {
    key: 'slow'
    title: 'More than 5 % of notifications took longer than 3 seconds: Graph will soon drop them'
    severity: 1
    window: 'PT15M'
    threshold: 0
    query: 'AppRequests | where Name has "graph_notifications" | summarize slow = countif(DurationMs > 3000), total = count() | where total > 20 and slow * 20 > total'
  }
]

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: '${name}-logs'
  location: location
  properties: {
    retentionInDays: 30
    sku: {
      name: 'PerGB2018'
    }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: '${name}-insights'
  location: location
  kind: 'web'
  properties: {
    Application_Type: 'web'
    DisableLocalAuth: true
    WorkspaceResourceId: workspace.id
  }
}

resource grant 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, principalId, metricsPublisher)
  scope: insights
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', metricsPublisher)
  }
}

resource engineers 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: '${name}-engineers'
  location: 'global'
  properties: {
    enabled: true
    groupShortName: take(name, 12)
    emailReceivers: [
      {
        name: 'engineers'
        emailAddress: alertEmail
        useCommonAlertSchema: true
      }
    ]
  }
}

resource rules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for alert in alerts: {
    name: '${name}-${alert.key}'
    location: location
    kind: 'LogAlert'
    properties: {
      displayName: alert.title
      enabled: true
      severity: alert.severity
      evaluationFrequency: 'PT5M'
      windowSize: alert.window
      scopes: [
        workspace.id
      ]
      // A workspace that has never seen a trace has no such table yet.
      skipQueryValidation: true
      autoMitigate: true
      criteria: {
        allOf: [
          {
            query: alert.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: alert.threshold
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: [
          engineers.id
        ]
      }
    }
  }
]

output insightsConnectionString string = insights.properties.ConnectionString
