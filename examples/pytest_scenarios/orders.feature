Feature: An order goes its way

  Background:
    Given the chart "order:OrderChart"

  Scenario: Nothing can't be paid
    Given its items is []
    When "add" is fired
    Then "pay" is refused because "there is nothing in the order"
    And allowed is "add" and "cancel"

  Scenario Outline: An order that is not shipped can be cancelled
    Given it is in state "<state>"
    When "cancel" is fired
    Then the state is "cancelled"
    And allowed is nothing

    Examples:
      | state  |
      | draft  |
      | paid   |
      | packed |
