Feature: An order goes its way

  Background:
    Given the chart "order:OrderChart"

  Scenario: Nothing can't be paid
    Given it is in state "draft"
    Then "pay" is refused because "there is nothing in the order"
    And allowed is "add" and "cancel"

  Scenario Outline: An order that is not shipped can be cancelled
    Given it is in state "<state>"
    When "cancel" is fired with reason "changed my mind"
    Then the state is "cancelled"
    And allowed is nothing

    Examples:
      | state  |
      | draft  |
      | paid   |
      | packed |
